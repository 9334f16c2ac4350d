// Holds what tests of words share: a poll with given words.

import { POLL } from "../../api/fixture";
import type { WordsPoll } from "../kind";

/**
 * Returns a poll of words. `words` is how many people sent each, most votes first; null hides them. The votes in all
 * follow from that, with those for words that are not among them.
 */
export function makeWords(
  words: readonly (readonly [text: string, votes: number])[] | null,
  rest: Partial<WordsPoll> = {},
): WordsPoll {
  const { kind, options, maxChoices, ...common } = POLL;
  const { otherVotes = 0, unshownVotes = 0 } = rest;
  const votes = words && words.reduce((sum, [, votes]) => sum + votes, (otherVotes ?? 0) + (unshownVotes ?? 0));
  return {
    ...common,
    kind: "words",
    results: words ? "live" : "hidden",
    maxWords: 3,
    approve: false,
    words: words && words.map(([text, votes]) => ({ text, votes })),
    moreWords: words && 0,
    otherVotes: words && otherVotes,
    unshownVotes: words && unshownVotes,
    revealed: words !== null,
    totalVoters: votes,
    totalVotes: votes,
    ...rest,
  };
}
