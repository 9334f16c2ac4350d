// Building the page: elements whose attributes and words follow what they read. This is Svelte's reactivity
// without its templates, because their runtime alone is a quarter of what the voter's page may weigh.
//
// A poll is a new object with every vote of anybody, and nothing that a voter has in hand may be lost with that. So
// whatever reacts here reacts to a value, such as the poll's round, and never to an object: `follow` alone sees to it.

import { untrack } from "svelte";

type Value = string | number | boolean | null | undefined;
/** A function is read again whenever something it reads has changed; under a name with `on` it listens. */
export type Attributes = Record<string, Value | ((event: never) => unknown)>;
export type Child = Node | string | null | false | (() => string);

/** An element with these attributes and children. Text only ever becomes text. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag, attributes: Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value !== "function") set(node, name, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value as EventListener);
    else {
      follow(value as () => Value, (now) => set(node, name, now));
    }
  }
  for (const child of children) if (child) node.append(typeof child === "function" ? words(child) : child);
  return node;
}

function set(node: HTMLElement, name: string, value: Value) {
  // What somebody ticked is a property; the attribute only says how it began.
  if (name === "checked") (node as HTMLInputElement).checked = value === true;
  else if (name.startsWith("style:")) node.style.setProperty(name.slice(6), `${value}`);
  else if (value === false || value == null) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : `${value}`);
}

/** A text that changes. Each is a node of its own: one that stays while its words change would count as having moved. */
function words(read: () => string): Text {
  let node = document.createTextNode("");
  follow(read, (now) => {
    const fresh = document.createTextNode(now);
    node.replaceWith(fresh);
    node = fresh;
  });
  return node;
}

/** What `build` makes of the key; made anew when the key changes. */
export function part<Key extends Value>(key: () => Key, build: (key: Key) => ChildNode | null): Comment {
  const place = document.createComment("");
  follow(key, (now) => {
    const node = build(now);
    if (node) place.before(node);
    return () => node?.remove();
  });
  return place;
}

/** Do this with a value: once, and whenever it has become another. What is given back is called before the next time. */
export function follow<Now extends Value>(read: () => Now, act: (now: Now) => void | (() => void)) {
  const value = $derived(read());
  $effect(() => {
    const now = value;
    return untrack(() => act(now));
  });
}

/** Do this once what is being built is on the page. */
export const shown = (act: () => void) => follow(() => true, act);

/** Do this when what is being built is gone. */
export const gone = (act: () => void) => follow(() => true, () => act);

/** The page from now on: what stood in `target` until the script had come gives way to it. */
export function mount(target: HTMLElement, build: () => Node[]) {
  return $effect.root(() => target.replaceChildren(...build()));
}
