// Lists the keys that decide about words. They work while the focus is on the words, so that a key pressed
// anywhere else does what it does everywhere in the studio.

/** `Does` names what a key does. */
export type Does = "next" | "before" | "shown" | "hidden" | "erased" | "undo" | "search";

const KEYS: Record<string, Does> = {
  j: "next",
  k: "before",
  ArrowDown: "next",
  ArrowUp: "before",
  a: "shown",
  Enter: "shown",
  h: "hidden",
  e: "erased",
  z: "undo",
  "/": "search",
};

/** The keys in words, for the hint below the list. */
export const KEY_WORDS: readonly (readonly [key: string, does: string])[] = [
  ["J K", "or arrows: move"],
  ["A", "or Enter: show"],
  ["H", "hide"],
  ["E", "erase"],
  ["Z", "undo"],
  ["/", "search"],
];

/** The keys in words, for the list of all keys of the studio. */
export const LISTED: readonly (readonly [key: string, does: string])[] = [
  ["W", "On a poll of words: to the words"],
  ["J K", "On a word, and arrows: the next one, the one before"],
  ["A", "On a word, and Enter: show it"],
  ["H", "On a word: hide it"],
  ["E", "On a word: erase it"],
  ["Z", "On a word: undo the last decision, so that a word is as it was before"],
];

/** Returns what a key does; null if it does nothing here. */
export function keyOf(event: KeyboardEvent): Does | null {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return null;
  if (!(event.target instanceof Element) || event.target.closest("input[type=search], dialog")) return null;
  // A key that is held down would decide about one word after the other.
  const does = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key] ?? null;
  if (event.repeat && does !== "next" && does !== "before") return null;
  // Enter presses the button that has the focus.
  const pressed = event.target.closest("button");
  return pressed && event.key === "Enter" ? null : does;
}
