// Implements what a poll of words is on every screen: it has no rows, and one slot for all its votes.

import type { SharedKind, WordsPoll } from "../kind";

const words: SharedKind<WordsPoll> = {
  rows: () => [],
  slots: ({ totalVotes }) => [totalVotes ?? 0],
  ranked: () => [],
};

export default words;
