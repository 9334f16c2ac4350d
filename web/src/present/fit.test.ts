// Tests how text finds room on a stage, where letters are high, too.

import { expect, test, vi } from "vitest";
import { breadth, plan } from "./fit";
import type * as Inks from "./ink";

/** Ink as it is in Burmese and in Tibetan. */
const DEEP: Record<string, Inks.Ink> = { မ: { line: 1.7, deep: 0.1 }, བ: { line: 2, deep: 0.15 } };
vi.mock("./ink", async (real) => {
  const inks = await real<typeof Inks>();
  return { ...inks, ink: (text: string) => DEEP[text[0]!] ?? inks.USUAL };
});

const options = (count: number, length = 12) => Array.from({ length: count }, () => "x".repeat(length));
/** The room that bars have on a 16:9 screen. */
const WIDE = 120,
  HIGH = 65;

test("up to eight stand under each other, as large as they should be", () => {
  for (const count of [2, 4, 8]) {
    expect(plan(options(count), WIDE, HIGH)).toMatchObject({
      columns: 1,
      rows: count,
      shown: count,
      usual: { size: 4 },
    });
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
  const [two] = plan(options(2, 200), WIDE, HIGH).texts,
    eight = plan([long, ...options(7)], WIDE, HIGH).texts;
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

test("all bars are as high as the tallest text leaves room for", () => {
  expect(plan(options(2), WIDE, HIGH).bar).toBe(4.2);
  const mixed = plan([...options(11), "x".repeat(60)], WIDE, HIGH);
  expect(mixed.bar).toBeGreaterThanOrEqual(1.2);
  expect(mixed.bar).toBeLessThan(plan(options(12), WIDE, HIGH).bar);
  const { rows, texts, bar } = mixed,
    { size, lines } = texts[11]!;
  expect(bar + 1.3 * size * lines).toBeLessThanOrEqual(HIGH / rows);
});

test("wide letters count as such", () => {
  expect(breadth("漢字")).toBeGreaterThan(breadth("ab"));
});

test("where letters are high they are smaller and have room, and all options are there as far as they can be", () => {
  for (const letter of Object.keys(DEEP)) {
    for (const [count, length] of [
      [2, 60],
      [4, 60],
      [8, 20],
      [12, 20],
      [16, 10],
      [30, 60],
    ] as const) {
      const { columns, rows, shown, texts, bar } = plan(Array<string>(count).fill(letter.repeat(length)), WIDE, HIGH);
      const { size, lines } = texts[0]!,
        { line, deep } = DEEP[letter]!;
      expect(shown).toBe(count > 20 ? 12 : count);
      expect(size).toBeGreaterThanOrEqual(2.4);
      const label = WIDE / columns - (columns === 1 ? 42 : 28);
      const needed = Math.min(lines, Math.ceil((breadth(letter.repeat(length)) * size) / label));
      expect(bar + size * (needed * line + deep), `${letter} ${count}`).toBeLessThanOrEqual(HIGH / rows);
    }
  }
});

test("high letters take nothing from those beside them", () => {
  const { texts } = plan([...options(3), "မ".repeat(60)], WIDE, HIGH);
  expect(texts.slice(0, 3)).toEqual(plan(options(4), WIDE, HIGH).texts.slice(0, 3));
});
