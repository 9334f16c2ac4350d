// Acting on what changes. A poll is a new object with every vote of anybody, and nothing that a voter has in hand may
// be lost with that. So whatever acts on this page acts on a value, such as the poll's round, and never on an object:
// this file alone sees to it. Templates do so by themselves: what they write is compared, and blocks go by values.

import { untrack } from "svelte";

type Value = string | number | boolean | null | undefined;
type Act<Now> = (now: Now) => void | (() => void);

/** Do this with a value: once, and whenever it has become another. What is given back is called before the next. */
export function follow<Now extends Value>(read: () => Now, act: Act<Now>) {
  const value = $derived(read());
  $effect(() => {
    const now = value;
    return untrack(() => act(now));
  });
}

/** Likewise, before the page shows it. */
export function precede<Now extends Value>(read: () => Now, act: Act<Now>) {
  const value = $derived(read());
  $effect.pre(() => {
    const now = value;
    return untrack(() => act(now));
  });
}

/** While the component lives the page has this title. */
export const titled = (read: () => string) =>
  follow(
    () => `${read()} · Pollux`,
    (title) => {
      document.title = title;
    },
  );
