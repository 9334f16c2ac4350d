// Computes with the values that a poll for a number allows, and what its answers come to.

import type { NumberPoll } from "../kind";

/** A `Grid` has the values that may be given: from `min` to `max` in steps. */
export type Grid = Pick<NumberPoll, "min" | "max" | "step">;

// Bounds and steps have at most six decimals. In whole millionths, sums and differences are exact.
export const MILLION = 1e6;
/** Returns how many millionths a value has. */
export const millionths = (value: number) => Math.round(value * MILLION);

/** Returns how many values there are. */
export const lengthOf = ({ min, max, step }: Grid): number =>
  Math.round((millionths(max) - millionths(min)) / millionths(step)) + 1;

/** Returns the value of a slot; slots are counted from `min` on, and may be fractions. */
export const valueAt = ({ min, step }: Grid, slot: number): number =>
  (millionths(min) + slot * millionths(step)) / MILLION;

/** Returns the slot of a value, a fraction where the value lies between two. */
export const slotOf = ({ min, step }: Grid, value: number): number =>
  (millionths(value) - millionths(min)) / millionths(step);

/** Returns how far two values are apart. */
export const away = (one: number, other: number): number => Math.abs(millionths(one) - millionths(other)) / MILLION;

/** Returns the slot whose value is the nearest to this one. */
export const nearestTo = (grid: Grid, value: number): number =>
  Math.max(0, Math.min(lengthOf(grid) - 1, Math.round(slotOf(grid, value))));

const decimalsOf = (value: number) => (`${value}`.split(".")[1] ?? "").length;
/** Returns the number of decimals that the values have. */
export const decimals = ({ min, step }: Grid): number => Math.max(decimalsOf(min), decimalsOf(step));

/** Returns how many millionths a one is in the last digit that is needed to write a value, at least one. */
function lastDigit(value: number): number {
  const all = Math.abs(millionths(value));
  for (let one = 1; ; one *= 10) if (!all || all % (10 * one)) return one;
}

/**
 * Rounds a mean to one digit more than the values have: to tenths where they are whole, to ones where they are tens.
 * A sixth decimal is the last.
 */
export function rounded({ min, step }: Grid, mean: number): number {
  // Nought has no last digit, so it stands on every grid.
  const digit = Math.min(lastDigit(step), min ? lastDigit(min) : Infinity);
  const one = Math.max(1, digit / 10);
  // Adding zero makes a plain zero of one below it.
  return (Math.round((mean * MILLION) / one) * one) / MILLION + 0;
}

/** Returns the poll's right answer once the poll is closed; before, it is shown to nobody, though the owner has it. */
export const solutionOf = ({ status, solution }: NumberPoll): number | null => (status === "closed" ? solution : null);

/** Returns the dash after the lower of two values. Beside a minus it has spaces, or it would read like another one. */
export const dashAfter = (from: number): string => (from < 0 ? " – " : "–");

/** Returns a number with its unit. A sign stands right after the number, and no line breaks before a word. */
export const joined = (number: string, unit: string): string =>
  (unit && number + (/^[%‰°′″'"]$/.test(unit) ? "" : "\u00a0") + unit) || number;

/** The zeros of the digits that people type: Arabic, Persian, Devanagari, full width. */
const ZEROS = [0x660, 0x6f0, 0x966, 0xff10];
const latin = (digit: string) => {
  const point = digit.codePointAt(0)!;
  const zero = ZEROS.find((zero) => point >= zero && point < zero + 10);
  return zero ? `${point - zero}` : digit;
};

/**
 * Returns the number that somebody has written, perhaps with the poll's unit; null if it is none. Comma and point are
 * the same. Of both, or of several, the last one may begin the decimals; the others part thousands. A single one before
 * three digits parts thousands where the values have fewer than three decimals; where they have more it does so
 * unless it is `point`, which begins the decimals in the reader's language.
 */
export function parsed(text: string, { unit = "", ...grid }: Grid & { unit?: string }, point = "."): number | null {
  const bareOf = (words: string) => words.replace(/[\s\p{Cf}'’٬_]/gu, "").toLowerCase();
  const [said, own] = [bareOf(text), bareOf(unit)];
  // A unit that begins with a digit cannot be told from the number.
  const plain = (/^\P{Nd}/u.test(own) && said.endsWith(own) ? said.slice(0, -own.length) : said)
    .replace(/\p{Nd}/gu, latin)
    .replace(/[−–‐‑]/g, "-")
    .replace(/[,٫،]/g, ",");
  const signs = plain.match(/[.,]/g) ?? [];
  const last = signs.at(-1);
  const thousands = signs[1]
    ? signs.every((sign) => sign === last)
    : (decimals(grid) < 3 || last !== point) && /^[-+]?[1-9]\d{0,2}[.,]\d{3}$/.test(plain);
  const at = thousands ? -1 : plain.search(/[.,](?!.*[.,])/);
  const written = at < 0 ? `${plain}.` : `${plain.slice(0, at)}.${plain.slice(at + 1)}`;
  const isNumber = /^[-+]?(?=.*\d)(\d*|\d{1,3}([.,]\d{2,3})*[.,]\d{3})\.\d*$/.test(written);
  return isNumber ? Number(written.replace(/[.,](?=.*\.)/g, "")) : null;
}

/** `Figures` says how many have answered, and the middle of their answers. */
export type Figures = { people: number; mean: number | null; median: number | null };

/** Returns what the answers come to, of which `spread` has the number for each value. */
export function figures(grid: Grid, spread: readonly number[]): Figures {
  const people = spread.reduce((sum, count) => sum + count, 0);
  if (!people) return { people, mean: null, median: null };
  const sum = spread.reduce((all, count, slot) => all + count * slot, 0);
  /** Returns the slot of the answer at this place, in ascending order. */
  const at = (place: number) => {
    let before = 0;
    return spread.findIndex((count) => (before += count) > place);
  };
  const middle = (at((people - 1) >> 1) + at(people >> 1)) / 2;
  return { people, mean: valueAt(grid, sum / people), median: valueAt(grid, middle) };
}

/** A `Bin` has the values from one to another, and how many people gave one of them. */
export type Bin = { from: number; to: number; people: number };
/** A `Histogram` has bins of so many slots each, the first of which would begin at slot `first`. */
export type Histogram = { first: number; width: number; bins: readonly Bin[] };

/** The most bins of a histogram. */
const MOST = 20;

/** Returns the smallest of 1, 2, 5, 10, 20, 50, … that is enough. */
function smallest(isEnough: (width: number) => boolean): number {
  for (let ten = 1; ; ten *= 10) {
    const width = [1, 2, 5].map((one) => one * ten).find(isEnough);
    if (width) return width;
  }
}

/**
 * Returns the answers in bins, from the lowest to the highest that was given. Edges are multiples of the width, counted
 * from zero where zero is a multiple of the step away, else from `min`. `reach` may have further answers, of another
 * time, for which there is room as well.
 */
export function histogram(grid: Grid, spread: readonly number[], reach = spread, most = MOST): Histogram {
  const given = reach.flatMap((count, slot) => (count || spread[slot] ? [slot] : []));
  if (!given.length) return { first: 0, width: 1, bins: [] };
  const zero = slotOf(grid, 0);
  const origin = Number.isInteger(zero) ? zero : 0;
  const [lowest, highest] = [given[0]! - origin, given.at(-1)! - origin];
  const binOf = (slot: number, width: number) => Math.floor(slot / width);
  const width = smallest((width) => binOf(highest, width) - binOf(lowest, width) < most);
  const first = origin + width * binOf(lowest, width),
    last = lengthOf(grid) - 1;
  const bins = Array.from({ length: binOf(highest, width) - binOf(lowest, width) + 1 }, (_, i) => {
    const from = Math.max(0, first + i * width),
      to = Math.min(last, first + (i + 1) * width - 1);
    const people = spread.slice(from, to + 1).reduce((sum, count) => sum + count, 0);
    return { from: valueAt(grid, from), to: valueAt(grid, to), people };
  });
  return { first, width, bins };
}

/** Returns where a value stands on the axis of a histogram: 0 is its left end, 1 its right one. */
export const placeOf = (grid: Grid, { first, width, bins }: Histogram, value: number): number =>
  (slotOf(grid, value) + 0.5 - first) / (width * bins.length);
