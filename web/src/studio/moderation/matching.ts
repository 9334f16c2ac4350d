// Finds words by what is typed, as people compare words: case, width and accents make no difference.

import { keyOf } from "../../ui/text";

/** Returns what a text is searched by. */
export const searched = (text: string): string =>
  keyOf(text).normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase("en").trim();

/** Returns whether a text has in it what is looked for, which `searched` has returned. */
export const matches = (text: string | null, wanted: string): boolean =>
  !wanted || (text !== null && searched(text).includes(wanted));
