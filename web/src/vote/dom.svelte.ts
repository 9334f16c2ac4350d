// Building the page: elements whose attributes and words follow what they read. This is Svelte's reactivity
// without its templates, because their runtime alone is a quarter of what the voter's page may weigh.

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
      const read = value as () => Value;
      $effect(() => set(node, name, read()));
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
  $effect(() => {
    const fresh = document.createTextNode(read());
    if (fresh.data === node.data) return;
    node.replaceWith(fresh);
    node = fresh;
  });
  return node;
}

/** What `build` makes of the key; made anew when the key changes. */
export function part<Key>(key: () => Key, build: (key: Key) => HTMLElement | null): Node {
  const place = document.createComment("");
  const current = $derived(key());
  $effect(() => {
    const value = current;
    const node = untrack(() => build(value));
    if (node) place.before(node);
    return () => node?.remove();
  });
  return place;
}

/** The page from now on: what stood in `target` until the script had come gives way to it. */
export function mount(target: HTMLElement, build: () => Node[]) {
  return $effect.root(() => target.replaceChildren(...build()));
}
