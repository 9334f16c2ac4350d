// Tests a poll's course as numbers.

import { expect, test } from "vitest";
import { append, binned, filled, marks, moments, MOST, rates, type Point } from "./series";

const point = (at: number, voters: number): Point => ({ at, voters, votes: [voters] });

test("what changed after a quiet time did so in the step before", () => {
  expect(filled([point(0, 0), point(10_000, 50)], 1_000).map((one) => [one.at, one.voters])).toEqual([
    [0, 0],
    [9_000, 0],
    [10_000, 50],
  ]);
  expect(filled([point(0, 0), point(1_000, 5)], 1_000).length).toBe(2);
});

test("of points within a step the newest stands, and time does not run backwards", () => {
  let points: Point[] = [];
  for (const [at, voters] of [
    [0, 0],
    [400, 1],
    [800, 2],
    [1_500, 5],
    [1_400, 4],
  ] as const)
    points = append(points, point(at, voters), 1_000);
  expect(points.map((one) => one.voters)).toEqual([0, 2, 5]);
});

test("a long poll is halved, its ends kept", () => {
  let points: Point[] = [];
  for (let i = 0; i <= MOST; i++) points = append(points, point(i * 1_000, i), 1_000);
  expect(points.length).toBeLessThanOrEqual(MOST);
  expect([points[0]!.voters, points.at(-1)!.voters]).toEqual([0, MOST]);
});

test("rates are per second, and never below nothing", () => {
  expect(rates([point(0, 0), point(2_000, 10), point(3_000, 8)]).map((one) => one.perSecond)).toEqual([5, 0]);
});

test("columns are no narrower than asked, and lose nobody", () => {
  const points = Array.from({ length: 400 }, (_, i) => point(i * 1_000, i * 3));
  const columns = binned(points, 40);
  expect(columns.length).toBeLessThanOrEqual(41);
  expect(new Set(columns.slice(0, -1).map((one) => Math.round(one.to - one.from))).size).toBe(1);
  const all = columns.reduce((sum, one) => sum + (one.perSecond * (one.to - one.from)) / 1000, 0);
  expect(all).toBeCloseTo(399 * 3);
});

test("axes have round marks", () => {
  expect(marks(52, 4)).toEqual([0, 20, 40, 60]);
  expect(marks(1, 4)).toEqual([0, 1]);
  expect(marks(0.5, 2, false)).toEqual([0, 0.5]);
  const found = moments(Date.parse("2026-11-22T10:00:03Z"), Date.parse("2026-11-22T10:01:00Z"), 6);
  expect(found.map((at) => new Date(at).getUTCSeconds())).toEqual([10, 20, 30, 40, 50, 0]);
});
