// Says in the form of a poll for a number which values there are, or what is wrong with bounds and step. The server
// has the last word.

import { number } from "../../ui/numbers";
import { lengthOf, slotOf, valueAt, type Grid } from "./number";
import { quantity } from "./said";

/** The most values that a poll may have. */
const MOST = 1_001;

/** `Preview` has the values in words, what is wrong with them, and the fields that are wrong. */
export type Preview = { words: string; fault: string; wrong: readonly string[] };
const faulty = (fault: string, ...wrong: string[]): Preview => ({ words: "", fault, wrong });

/** Returns the smallest step of 1, 2, 5 × 10^n with which there are few enough values, and which reaches the end. */
function enough(grid: Grid): number | null {
  const fits = (step: number) =>
    lengthOf({ ...grid, step }) <= MOST && Number.isInteger(slotOf({ ...grid, step }, grid.max));
  for (let ten = 1e-6; ten <= 1e9; ten *= 10) {
    const step = [1, 2, 5].map((one) => Math.round(one * ten * 1e6) / 1e6).find(fits);
    if (step) return step;
  }
  return null;
}

/** Returns what these values are, with this unit. */
export function preview(grid: Grid, unit: string): Preview {
  const { min, max, step } = grid;
  if (min >= max) return faulty("The first number has to be below the last one.", "min", "max");
  if (step <= 0) return faulty("A step has to be above 0.", "step");
  const better = enough(grid);
  const hint = better === null ? "" : ` Try steps of ${number(better)}.`;
  if (!Number.isInteger(slotOf(grid, max)))
    return faulty(`Steps of ${number(step)} from ${number(min)} do not reach ${number(max)}.${hint}`, "step");
  const values = lengthOf(grid);
  if (values > MOST)
    return faulty(`There would be ${number(values)} values; at most ${number(MOST)} are possible.${hint}`, "step");
  const few = [0, 1, 2].filter((slot) => slot < values - 1).map((slot) => number(valueAt(grid, slot)));
  const list = [few.join(", "), quantity({ unit }, max)].join(values > few.length + 1 ? " … " : ", ");
  return { words: `${number(values)} values: ${list}`, fault: "", wrong: [] };
}
