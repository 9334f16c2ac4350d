// Acts on what changes. A poll is a new object with every vote of anybody, and nothing that a voter has in
// hand may be lost with the old one. So every effect on this page acts on a value, such as the poll's round,
// and never on an object; this file alone creates effects. Templates need no care: they compare what they
// write, and blocks go by values.

import { untrack } from "svelte";

type Value = string | number | boolean | null | undefined;
type Act<Now> = (now: Now) => void | (() => void);

/**
 * Does this with a value, once and whenever the value has changed. The returned function is called before the
 * next time.
 */
export function follow<Now extends Value>(read: () => Now, act: Act<Now>) {
  const value = $derived(read());
  $effect(() => {
    const now = value;
    return untrack(() => act(now));
  });
}

/** Does the same before the page shows the value. */
export function precede<Now extends Value>(read: () => Now, act: Act<Now>) {
  const value = $derived(read());
  $effect.pre(() => {
    const now = value;
    return untrack(() => act(now));
  });
}

/** Gives the page this title while the component lives. */
export const titled = (read: () => string) =>
  follow(
    () => `${read()} · Pollux`,
    (title) => {
      document.title = title;
    },
  );
