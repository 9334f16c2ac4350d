// Says in the form of a poll for a number which values there are, or what is wrong with bounds and step and what would
// do. The server has the last word, by the same rules.

import { number } from "../../ui/numbers";
import { MILLION, millionths, valueAt, type Grid } from "./number";
import { quantity } from "./said";

/** The most values that a poll may have. */
const MOST = 1_001;
/** The greatest number that the server takes; the least one is its negative. */
const GREATEST = 1e9;

// The server computes with whole millionths, and so does this file: they are exact.
const written = (millionths: number) => number(millionths / MILLION);
/** The round steps in millionths, the smallest first: 1, 2, 5, 10, 20, 50, … */
const ROUND = Array.from({ length: 16 }, (_, zeros) => [1, 2, 5].map((digit) => digit * 10 ** zeros)).flat();
const last = (values: readonly number[]) => values.slice(-1);

/** `Preview` has the values in words, what is wrong with them, and the fields that are wrong. */
export type Preview = { words: string; fault: string; wrong: readonly string[] };
const faulty = (fault: string, ...wrong: string[]): Preview => ({ words: "", fault, wrong });

/** Returns why the server would not take a number at all; "" if it would. */
export function faultOf(value: number | null): string {
  if (value === null) return "";
  if (Math.abs(value) > GREATEST) return `Numbers may be from ${number(-GREATEST)} to ${number(GREATEST)}.`;
  return millionths(value) / MILLION === value ? "" : "Numbers may have at most 6 decimals.";
}

/**
 * Says which round step makes few enough values of a range in millionths, and where they end if they do not reach its
 * end.
 */
function fewer(min: number, range: number): string {
  const wider = ROUND.find((step) => Math.floor(range / step) < MOST)!;
  const rest = range % wider;
  return `Try steps of ${written(wider)}${rest ? ` up to ${written(min + range - rest)}` : ""}.`;
}

/** Says which round steps next to this one reach the end of a range in millionths, and which ends this one reaches. */
function reaching(min: number, range: number, step: number): string {
  const fit = ROUND.filter((round) => range % round === 0 && range / round < MOST);
  const steps = [...last(fit.filter((round) => round < step)), ...fit.filter((round) => round > step).slice(0, 1)];
  const below = range - (range % step);
  const ends = [below, below + step].filter((end) => end > 0 && end / step < MOST && min + end <= GREATEST * MILLION);
  const ways = [
    steps.length ? `steps of ${steps.map(written).join(" or ")}` : "",
    ends.length ? `to end at ${ends.map((end) => written(min + end)).join(" or ")}` : "",
  ];
  const all = ways.filter(Boolean).join(", or ");
  return all && ` Try ${all}.`;
}

/** Returns what these values are, with this unit. */
export function preview(grid: Grid, unit: string): Preview {
  const { min, max, step } = grid;
  const refused = (["min", "max", "step"] as const).filter((name) => faultOf(grid[name]));
  if (refused.length) return faulty(faultOf(grid[refused[0]!]), ...refused);
  if (min >= max) return faulty("The first number has to be below the last one.", "min", "max");
  if (step <= 0) return faulty("A step has to be above 0.", "step");
  const [from, range, one] = [millionths(min), millionths(max) - millionths(min), millionths(step)];
  const values = Math.floor(range / one) + 1;
  if (values > MOST) {
    const fault = `There would be ${number(values)} values; at most ${number(MOST)} are possible.`;
    return faulty(`${fault} ${fewer(from, range)}`, "step");
  }
  if (range % one) {
    const fault = `Steps of ${number(step)} from ${number(min)} do not reach ${number(max)}.`;
    return faulty(fault + reaching(from, range, one), "step");
  }
  const few = [0, 1, 2].filter((slot) => slot < values - 1).map((slot) => number(valueAt(grid, slot)));
  const list = [few.join(", "), quantity({ unit }, max)].join(values > few.length + 1 ? " … " : ", ");
  return { words: `${number(values)} values: ${list}`, fault: "", wrong: [] };
}
