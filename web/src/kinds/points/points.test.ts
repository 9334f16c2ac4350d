// Tests what the numbers of a poll for points come to, option by option.

import { expect, test } from "vitest";
import { slotsOf } from "../kind";
import { makePoints } from "./fixture";
import { measureOf, pointsAt, standings, whole } from "./points";

const POLL = makePoints([
  [42, 2],
  [30, 3],
  [28, 1],
]);
const SLOTS = [42, 2, 30, 3, 28, 1];

test("each option has two slots, its points and its people; hidden ones are 0", () => {
  expect(slotsOf(POLL)).toEqual(SLOTS);
  expect(slotsOf(makePoints(null))).toEqual([0, 0, 0, 0, 0, 0]);
  expect([pointsAt(SLOTS), whole(POLL)]).toEqual([[42, 30, 28], 100]);
});

test("a share is of all points; in a replay, of those that there are in the end", () => {
  expect(standings(POLL, SLOTS)).toEqual([
    { text: "Pizza", points: 42, share: 0.42, people: 2 },
    { text: "Curry", points: 30, share: 0.3, people: 3 },
    { text: "Salad", points: 28, share: 0.28, people: 1 },
  ]);
  expect(standings(POLL, [21, 1, 0, 0, 0, 0]).map(({ share }) => share)).toEqual([0.21, 0, 0]);
  expect(measureOf(POLL, [300, 3, 0, 0, 0, 0]), "points that were taken back later").toBe(300);
});

test("nobody's points are no share of anything", () => {
  const none = makePoints([
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
  expect(standings(none, slotsOf(none)).map(({ share }) => share)).toEqual([0, 0, 0]);
});
