// Tests which values a poll for a number has, what is read as a number, and what answers come to: the bins with the
// examples that the server's code is tested with.

import { expect, test } from "vitest";
import examples from "../../../../crates/core/tests/bins.json";
import { slotsOf } from "../kind";
import { makeNumber } from "./fixture";
import {
  away,
  decimals,
  figures,
  histogram,
  joined,
  lengthOf,
  nearestTo,
  parsed,
  placeOf,
  rounded,
  slotOf,
  valueAt,
} from "./number";

const TO_100 = { min: 0, max: 100, step: 1 };
const TENTHS = { min: -0.3, max: 0.7, step: 0.1 };
const spreadOf = (grid: typeof TO_100, given: number[][]) => {
  const spread = Array<number>(lengthOf(grid)).fill(0);
  for (const [value, people] of given) spread[slotOf(grid, value!)] = people!;
  return spread;
};

test.each(examples)("bins: $what", ({ min, max, step, most, given, bins }) => {
  const grid = { min, max, step };
  const spread = spreadOf(grid, given);
  const found = histogram(grid, spread, spread, most).bins;
  expect(found.map(({ from, to, people }) => [from, to, people])).toEqual(bins);
  const people = (all: number[]) => all.reduce((sum, count) => sum + count, 0);
  expect(people(found.map((bin) => bin.people))).toBe(people(spread));
});

test("values lie on their decimals, however often the step does not fit into a binary number", () => {
  expect(lengthOf(TENTHS)).toBe(11);
  expect(Array.from({ length: 11 }, (_, slot) => valueAt(TENTHS, slot))).toEqual([
    -0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7,
  ]);
  expect([slotOf(TENTHS, 0.3), decimals(TENTHS), decimals({ min: 0.25, step: 1, max: 9.25 })]).toEqual([6, 1, 2]);
  const small = { min: 0, max: 0.001, step: 0.000001 };
  expect([lengthOf(small), valueAt(small, 999), decimals(small)]).toEqual([1_001, 0.000999, 6]);
  const great = { min: -1e9, max: 1e9, step: 2e6 };
  expect([lengthOf(great), valueAt(great, 500), slotOf(great, 1e9)]).toEqual([1_001, 0, 1_000]);
});

test("what lies between is put to the nearest value, and what lies outside to the nearest bound", () => {
  const fives = { min: 10, max: 30, step: 5 };
  const put = (value: number) => valueAt(fives, nearestTo(fives, value));
  expect([-1e9, 10, 12.4, 12.5, 29, 1e9].map(put)).toEqual([10, 10, 10, 15, 30, 30]);
  expect([away(0.1, 0.3), away(41, 42), away(8_848.86, 8_850)]).toEqual([0.2, 1, 1.14]);
});

test.each([
  ["42", 42],
  [" 42 ", 42],
  ["+7", 7],
  ["-7", -7],
  ["−7", -7],
  ["1,234", 1_234],
  ["1.234", 1_234],
  ["12 345", 12_345],
  ["1'234", 1_234],
  ["1,234,567", 1_234_567],
  ["1.234.567,5", 1_234_567.5],
  ["1,234.5", 1_234.5],
  ["42.5", 42.5],
  ["42,5", 42.5],
  ["42,", 42],
  ["0.125", 0.125],
  [".5", 0.5],
  ["४२", 42],
  ["٤٢٫٥", 42.5],
  ["", null],
  ["-", null],
  [".", null],
  ["4-2", null],
  ["1e3", null],
  ["forty", null],
  ["42 kg", null],
  ["Infinity", null],
])("where values are whole, %j is read as %j", (text, value) => expect(parsed(text, TO_100)).toBe(value));

test.each([
  ["10,000", 12.5, ".", 10_000],
  ["10.000", 12.5, ".", 10_000],
  ["1.250", 12.5, ",", 1_250],
  ["1,250", 0.25, ",", 1_250],
  ["1,25", 0.25, ".", 1.25],
  ["0.125", 0.25, ".", 0.125],
  ["1234.125", 0.25, ".", 1_234.125],
  ["1,234", 0.001, ".", 1_234],
  ["1.234", 0.001, ".", 1.234],
  ["1,234", 0.001, ",", 1.234],
  ["1.234", 0.001, ",", 1_234],
  ["1.234,5", 0.001, ".", 1_234.5],
  ["1.2345", 0.001, ".", 1.2345],
])("%j in steps of %d, where decimals begin with %j, is read as %d", (text, step, point, value) =>
  expect(parsed(text, { min: 0, max: 10_000, step }, point)).toBe(value),
);

test("signs that part no thousands make no number", () => {
  const read = (text: string) => parsed(text, TO_100);
  expect(["1.2.3", "1,23,4", "1,2.5", "12,34.5"].map(read)).toEqual([null, null, null, null]);
  expect(["12,34,567", "1,23,456.5", "-1.234.567"].map(read)).toEqual([1_234_567, 123_456.5, -1_234_567]);
});

test("the poll's own unit may stand behind a number, and no other", () => {
  const read = (text: string, unit: string) => parsed(text, { ...TO_100, unit });
  expect([read("42 kg", "kg"), read("42KG", "kg"), read("42\u00a0kg", "kg"), read("50%", "%")]).toEqual([
    42, 42, 42, 50,
  ]);
  expect(read("\u206842\u00a0kg\u2069", "kg"), "as it is copied from the page").toBe(42);
  expect([read("42 t", "kg"), read("kg", "kg"), read("42 kg kg", "kg"), read("42 kg", "")]).toEqual([
    null,
    null,
    null,
    null,
  ]);
  expect([read("4200", "00"), read("42", "2 kg")]).toEqual([4_200, 42]);
});

test("mean and median are exact; of an even number of answers the median lies between the middle two", () => {
  const of = (given: number[][], grid = TO_100) => figures(grid, spreadOf(grid, given));
  expect(of([])).toEqual({ people: 0, mean: null, median: null });
  expect(of([[42, 1]])).toEqual({ people: 1, mean: 42, median: 42 });
  expect(of([[40, 1], [43, 1]])).toEqual({ people: 2, mean: 41.5, median: 41.5 }); // prettier-ignore
  expect(of([[0, 3], [100, 1]])).toEqual({ people: 4, mean: 25, median: 0 }); // prettier-ignore
  expect(of([[-0.1, 1], [0.2, 1]], TENTHS)).toEqual({ people: 2, mean: 0.05, median: 0.05 }); // prettier-ignore
  expect([rounded(TO_100, 41.666), rounded(TENTHS, 0.05), rounded({ ...TO_100, step: 0.000001 }, 1 / 3)]).toEqual([
    41.7, 0.05, 0.333333,
  ]);
  expect(rounded(TO_100, -0.04)).toBe(0);
});

test("a mean has one digit more than the values, also where those end in noughts", () => {
  const millions = { min: -1e9, max: 1e9, step: 2e6 };
  expect([rounded(millions, -18_706_666.7), rounded(millions, 49_999)]).toEqual([-18_700_000, 0]);
  const tens = { min: 0, max: 1_000, step: 50 };
  expect([rounded(tens, 41.666), rounded({ ...tens, min: 5 }, 41.666)]).toEqual([42, 41.7]);
});

test("answers of another time have their place in a histogram, and are not counted", () => {
  const now = spreadOf(TO_100, [[42, 1]]);
  const end = spreadOf(TO_100, [[40, 5], [43, 2]]); // prettier-ignore
  const { bins } = histogram(TO_100, now, end);
  expect(bins.map(({ from, people }) => `${from}: ${people}`)).toEqual(["40: 0", "41: 0", "42: 1", "43: 0"]);
});

test("a value stands in the middle of its column, in proportion in a wider one, and outside beyond the ends", () => {
  const narrow = histogram(TO_100, spreadOf(TO_100, [[40, 1], [43, 1]])); // prettier-ignore
  expect([40, 43, 41.5, 44].map((value) => placeOf(TO_100, narrow, value))).toEqual([0.125, 0.875, 0.5, 1.125]);
  const wide = histogram(TO_100, spreadOf(TO_100, [[0, 1], [99, 1]])); // prettier-ignore
  expect([placeOf(TO_100, wide, 0), placeOf(TO_100, wide, 99), placeOf(TO_100, wide, -10)]).toEqual([
    0.005, 0.995, -0.095,
  ]);
});

test("a unit stands behind its number, where no line breaks, and a sign close to it", () => {
  expect([joined("42", "kg"), joined("42", "°C"), joined("42", "%"), joined("42", "")]).toEqual([
    "42\u00a0kg",
    "42\u00a0°C",
    "42%",
    "42",
  ]);
});

test("there is a slot for each value; hidden ones are 0", () => {
  const slots = slotsOf(makeNumber([[42, 3]]));
  expect([slots.length, slots[42], slotsOf(makeNumber(null))]).toEqual([101, 3, Array(101).fill(0)]);
});
