// Computes with what stands in the fields of the ballot paper of words. One may be empty between others that are not.

import { normal } from "../../ui/text";
import { foldOf, left, parted } from "./word";

const filled = (text: string) => normal(text) !== "";

/** Returns the words that were written, as they are sent. */
export const wordsIn = (fields: readonly string[]): string[] => fields.map(normal).filter(Boolean);

/** Returns the fields that are shown: those with a word, and one more while there may be more words. */
export function shownOf(fields: readonly string[], most: number): string[] {
  const last = fields.reduce((last, text, i) => (filled(text) ? i : last), -1);
  return Array.from({ length: Math.min(most, last + 2) }, (_, i) => fields[i] ?? "");
}

/** Returns the place of the first field with the same word as this one; null if there is none before it. */
export function earlier(fields: readonly string[], index: number): number | null {
  const key = foldOf(fields[index]!);
  const first = fields.findIndex((text) => foldOf(text) === key);
  return key && first < index ? first : null;
}

/** Whether all words may be sent. */
export const fit = (words: readonly string[]): boolean => words.every((text) => left(text) >= 0);

/** Returns how many different words there are. */
export const different = (words: readonly string[]): number => new Set(words.map(foldOf)).size;

/**
 * Returns the fields with a pasted list in the place of this one, or behind it where something stays in it, and the
 * field in which the list ends; null for a text that is no list, or a list for which there is no room.
 */
export function pasted(fields: readonly string[], index: number, stays: boolean, text: string, most: number) {
  const fresh = parted(text);
  const before = wordsIn(fields.slice(0, stays ? index + 1 : index));
  const all = [...before, ...fresh, ...wordsIn(fields.slice(index + 1))];
  if (fresh.length < 2 || all.length > most) return null;
  return { fields: all, last: before.length + fresh.length - 1 };
}
