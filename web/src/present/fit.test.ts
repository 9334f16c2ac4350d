import { expect, test } from "vitest";
import { breadth, plan } from "./fit";

const options = (count: number, length = 12) => Array.from({ length: count }, () => "x".repeat(length));
/** The room that bars have on a 16:9 screen. */
const WIDE = 120, HIGH = 64;

test("up to eight stand under each other, as large as they should be", () => {
  for (const count of [2, 4, 8]) {
    expect(plan(options(count), WIDE, HIGH)).toMatchObject({ columns: 1, rows: count, shown: count, usual: { size: 4 } });
  }
});

test("more stand in two columns, smaller", () => {
  expect(plan(options(9), WIDE, HIGH)).toMatchObject({ columns: 2, rows: 5, shown: 9, usual: { size: 3 } });
  expect(plan(options(20), WIDE, HIGH)).toMatchObject({ columns: 2, rows: 10, shown: 20 });
});

test("of too many there are twelve rows", () => {
  expect(plan(options(100), WIDE, HIGH)).toMatchObject({ columns: 2, rows: 6, shown: 12 });
});

test("long options are smaller and take more lines, never under 2.4; short ones beside them stay", () => {
  const long = "x".repeat(200);
  const [two] = plan(options(2, 200), WIDE, HIGH).texts, eight = plan([long, ...options(7)], WIDE, HIGH).texts;
  expect(two!.lines * (WIDE - 42)).toBeGreaterThan(breadth(long) * two!.size);
  expect(eight[0]!.size).toBe(2.4);
  expect(eight[0]!.lines).toBeGreaterThanOrEqual(1);
  expect(eight[1]!.size).toBe(4);
});

test("with less room there are fewer, and never fewer than two", () => {
  expect(plan(options(8), 70, 30)).toMatchObject({ columns: 2, shown: 8 });
  expect(plan(options(30), 70, 20).shown).toBeLessThan(12);
  expect(plan(options(5), 40, 1).shown).toBe(2);
});

test("wide letters count as such", () => {
  expect(breadth("漢字")).toBeGreaterThan(breadth("ab"));
});
