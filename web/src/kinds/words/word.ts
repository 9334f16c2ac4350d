// Says what a word is in a poll of words: how long it may be, when two are one, and how a pasted list is taken apart.
// The server decides; a page that keeps to the same rules can tell at once.

import { keyOf, lengthOf, listed, normal } from "../../ui/text";

/** The most characters of a word, as people count them, and the most bytes in the form in which it is kept. */
export const LONGEST = 40;
const BYTES = 160;

/** Returns how many characters a word has left; below 0 where it is too long in any way. */
export function left(text: string): number {
  const room = LONGEST - lengthOf(text);
  return new TextEncoder().encode(normal(text)).length > BYTES ? Math.min(room, -1) : room;
}

/**
 * Returns what a word is counted by, as crates/core/src/seal.rs says it: its case and the width of its letters make no
 * difference, accents do.
 */
export function foldOf(text: string): string {
  const wide = keyOf(text).normalize("NFKC");
  // Down, up and down again is full case folding, but for the i without a dot and the sigma at an end.
  const folded = wide
    .replaceAll(/[^\u0131]+/g, (part) => part.toLowerCase().toUpperCase().toLowerCase())
    .replaceAll("ς", "σ");
  return keyOf(folded.normalize("NFKC"));
}

/** Returns the words of a list that was copied: its lines and cells, or else what stands between commas. */
export function parted(pasted: string): string[] {
  const lines = listed(pasted);
  if (lines.length > 1) return lines;
  return pasted
    .split(/[,;،؛、，；]/)
    .map(normal)
    .filter(Boolean);
}
