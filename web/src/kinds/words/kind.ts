// Implements what a poll of words is on every screen: it has no rows, and one slot for all its votes.

import type { SharedKind, WordsPoll } from "../kind";

const words: SharedKind<WordsPoll> = {
  rows: () => [],
  slots: ({ totalVotes }) => [totalVotes ?? 0],
  ranked: () => [],
  withdraws(before, after) {
    const left = new Set(after.words?.map(({ text }) => text));
    return !!before.words?.some(({ text }) => !left.has(text));
  },
};

export default words;
