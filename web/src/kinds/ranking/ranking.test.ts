// Tests what the numbers of a ranking come to.

import { expect, test } from "vitest";
import { rankedOf, slotsOf } from "../kind";
import { makeRanking } from "./fixture";
import { standings } from "./ranking";

/** Four put Tea first, and three of them Coffee next; two put Coffee first and Juice third. */
const POLL = makeRanking([
  [4, 0, 0],
  [2, 3, 0],
  [0, 0, 2],
]);

test("points fall by one from place to place; equal points share a rank, and the next is skipped", () => {
  expect(
    standings(POLL, slotsOf(POLL)).map(({ points, rank, first, mean, votes }) => [points, rank, first, mean, votes]),
  ).toEqual([
    [12, 1, 4, 1, 4],
    [12, 1, 2, 1.6, 5],
    [2, 3, 0, 3, 2],
  ]);
  expect(standings(POLL, Array(9).fill(0)).map(({ rank, mean }) => [rank, mean])).toEqual(Array(3).fill([null, null]));
  expect(slotsOf(makeRanking(null))).toEqual(Array(9).fill(0));
  expect(rankedOf(POLL), "leaderboards rank no options of a ranking").toEqual([]);
});
