// Implements what a ranking is on every screen: its options, with a slot for each place of each.

import type { RankingPoll, SharedKind } from "../kind";

const ranking: SharedKind<RankingPoll> = {
  rows: ({ options }) => options,
  slots: ({ options, places }) => options.flatMap(({ spread }) => spread ?? Array<number>(places).fill(0)),
  ranked: () => [],
};

export default ranking;
