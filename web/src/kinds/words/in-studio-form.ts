// Implements the part of a poll's form that belongs to words: how many each person may send, and whether they wait for
// approval.

import { counted } from "../../ui/numbers";
import type { FormKind } from "../in-studio-form";
import type { WordsPoll } from "../kind";

/** `WordsFields` holds the fields of a poll of words; `maxWords` is null while its field is empty. */
export type WordsFields = { maxWords: number | null; approve: boolean };

/** How many words each person may send if nobody has said so, and the most that there may be. */
export const USUAL = 3;
export const MOST = 10;
const WAY = "words";

/** Returns why the server would not take this number of words; "" if it would. */
export function faultOf(maxWords: number | null): string {
  if (maxWords === null || (Number.isInteger(maxWords) && maxWords >= 1 && maxWords <= MOST)) return "";
  return `Each person may send 1 to ${MOST} words.`;
}

const words: FormKind<WordsPoll, WordsFields> = {
  ways: { words: WAY },
  blank: { maxWords: USUAL, approve: false },
  withKind: [],
  list: null,
  fewest: 0,
  most: 0,
  members: { kind: ["kind", "maxWords", "approve"], rows: [] },
  read: ({ maxWords, approve }) => ({ maxWords, approve }),
  body: (kind, _, { maxWords, approve }) => ({ kind, maxWords: maxWords ?? USUAL, approve }),
  saidKind: () => WAY,
  said: {
    maxWords: ({ maxWords }) => counted(maxWords ?? USUAL, "word", "words"),
    approve: ({ approve }) => (approve ? "only after approval" : "at once"),
  },
};

export default words;
