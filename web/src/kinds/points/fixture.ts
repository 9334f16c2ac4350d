// Holds what tests of points share: a poll, and its options with given numbers.

import { POLL } from "../../api/fixture";
import type { PointsPoll } from "../kind";

const TEXTS = ["Pizza", "Curry", "Salad"];

/** Returns a poll for points. `numbers` is the points and the people of each option; null hides them. */
export function makePoints(
  numbers: readonly (readonly [points: number, people: number])[] | null,
  rest: Partial<PointsPoll> = {},
): PointsPoll {
  const { kind, options, maxChoices, ...common } = POLL;
  const most = numbers && Math.max(...numbers.map(([, people]) => people));
  return {
    ...common,
    kind: "points",
    results: numbers ? "live" : "hidden",
    budget: 100,
    options: TEXTS.map((text, i) => ({
      id: i + 1,
      text,
      points: numbers?.[i]?.[0] ?? null,
      people: numbers?.[i]?.[1] ?? null,
    })),
    revealed: numbers !== null,
    totalVoters: most,
    totalVotes: most,
    ...rest,
  };
}
