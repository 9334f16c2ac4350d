// Implements what a choice is on every screen: its options, with a slot for each. Leaderboards rank them.

import type { ChoicePoll, SharedKind } from "../kind";

const choice: SharedKind<ChoicePoll> = {
  rows: ({ options }) => options,
  slots: ({ options }) => options.map(({ votes }) => votes ?? 0),
  ranked: ({ options }) => options,
};

export default choice;
