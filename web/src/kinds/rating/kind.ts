// Implements what a rating is on every screen: its statements, with a slot for each step of each.

import type { RatingPoll, SharedKind } from "../kind";

const rating: SharedKind<RatingPoll> = {
  rows: ({ statements }) => statements,
  slots: ({ statements, steps }) => statements.flatMap(({ spread }) => spread ?? Array<number>(steps).fill(0)),
  ranked: () => [],
};

export default rating;
