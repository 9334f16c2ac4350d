// Tests what points come to on stage and in the studio: shares of all points, who leads, and the rows' order.

import { expect, test } from "vitest";
import { slotsOf } from "../kind";
import { makePoints } from "./ballot-fixture";
import inStudio from "./in-studio";
import stage from "./on-stage";
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
  expect([pointsAt(SLOTS), stage.scores(POLL, SLOTS), whole(POLL)]).toEqual([[42, 30, 28], [42, 30, 28], 100]);
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
  expect(stage.lead(none, slotsOf(none), 0)).toBe("");
});

test("the stage says how many points there are, who has which part of them, and that several are level", () => {
  expect(stage.total(POLL, SLOTS, 4)).toBe("100 points from 4 people");
  expect(stage.lead(POLL, SLOTS, 4)).toBe("In front: Pizza has 42% of all points.");
  expect(stage.lead({ ...POLL, final: true }, SLOTS, 4)).toBe("Final result: Pizza has 42% of all points.");
  const level = makePoints([
    [40, 1],
    [40, 1],
    [20, 1],
  ]);
  expect(stage.lead(level, slotsOf(level), 1)).toBe("In front: a tie of 2, with 40% of all points each.");
});

test("the studio names the rule", () => {
  expect(inStudio.rule({ ...POLL, budget: 7 })).toEqual(["Points", "up to 7 from each person"]);
});
