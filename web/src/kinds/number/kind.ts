// Implements what a poll for a number is on every screen: it has no rows, and a slot for each value.

import type { NumberPoll, SharedKind } from "../kind";
import { lengthOf } from "./number";

const number: SharedKind<NumberPoll> = {
  rows: () => [],
  slots: (poll) => poll.spread ?? Array<number>(lengthOf(poll)).fill(0),
  ranked: () => [],
};

export default number;
