// Implements what a poll for points is on every screen: its options, with two slots for each, its points and the
// people who gave it any.

import type { PointsPoll, SharedKind } from "../kind";

const points: SharedKind<PointsPoll> = {
  rows: ({ options }) => options,
  slots: ({ options }) => options.flatMap(({ points, people }) => [points ?? 0, people ?? 0]),
  ranked: () => [],
};

export default points;
