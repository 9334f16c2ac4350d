// Tests which options a stage shows, and in which order.

import { expect, test } from "vitest";
import { arrange, keep, leaders, ranked } from "./arrange";

const votes = [3, 9, 0, 9, 5];

test("options stay as the poll has them, unless they are to be sorted", () => {
  expect(arrange({ votes, count: 5, room: 8, sorted: false })).toEqual([0, 1, 2, 3, 4]);
  expect(arrange({ votes, count: 5, room: 8, sorted: true })).toEqual([1, 3, 4, 0, 2]);
  expect(arrange({ votes: null, count: 5, room: 8, sorted: true })).toEqual([0, 1, 2, 3, 4]);
});

test("of more than fit those in front are shown, and one row is left for the others", () => {
  expect(arrange({ votes, count: 5, room: 4, sorted: false })).toEqual([1, 3, 4]);
  expect(arrange({ votes: null, count: 5, room: 4, sorted: false })).toEqual([0, 1, 2]);
});

test("who falls out gives the place away, and nobody else moves", () => {
  expect(keep([1, 3, 4], votes)).toEqual([1, 3, 4]);
  expect(keep([1, 3, 4], [6, 9, 0, 9, 5])).toEqual([1, 3, 0]);
  expect(keep([1, 4, 3], [10, 9, 11, 9, 5])).toEqual([1, 2, 0]);
});

test("who is level with somebody shown has to wait", () => {
  expect(keep([1, 3, 4], [5, 9, 0, 9, 5])).toEqual([1, 3, 4]);
});

test("where all are shown, or hidden, nothing changes, not even the list", () => {
  const all = [0, 1, 2, 3, 4],
    some = [0, 1];
  expect(keep(all, votes)).toBe(all);
  expect(keep(some, null)).toBe(some);
});

test("who leads, and who is level", () => {
  expect(leaders(votes)).toEqual([1, 3]);
  expect(leaders([0, 0])).toEqual([]);
  expect(leaders(null)).toEqual([]);
  expect(ranked([1, 1, 2])).toEqual([2, 0, 1]);
});
