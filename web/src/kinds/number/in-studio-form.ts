// Implements the part of a poll's form that belongs to a number: its bounds, its step and its unit, and the right
// answer.

import { quoted } from "../../studio/edit/said";
import { number } from "../../ui/numbers";
import type { FormKind } from "../in-studio-form";
import type { NumberPoll } from "../kind";
import type { Grid } from "./number";

/** `NumberFields` holds the fields of a poll for a number; one is null while its field is empty. */
export type NumberFields = {
  min: number | null;
  max: number | null;
  step: number | null;
  unit: string;
  solution: number | null;
};

/** What an empty field stands for. */
export const USUAL: Grid = { min: 0, max: 100, step: 1 };
/** Returns the values that are written. */
export const gridOf = ({ min, max, step }: Pick<NumberFields, keyof Grid>): Grid => ({
  min: min ?? USUAL.min,
  max: max ?? USUAL.max,
  step: step ?? USUAL.step,
});

const WAY = "a number";
const OWN = ["min", "max", "step", "unit", "solution"] as const;

const form: FormKind<NumberPoll, NumberFields> = {
  ways: { number: WAY },
  blank: { ...USUAL, unit: "", solution: null },
  withKind: [],
  together: ["min", "max", "step"],
  list: null,
  fewest: 0,
  most: 0,
  members: { kind: ["kind", ...OWN], rows: [] },
  read: ({ min, max, step, unit, solution }) => ({ min, max, step, unit, solution }),
  body: (kind, _, { unit, solution, ...grid }) => ({ kind, ...gridOf(grid), unit, solution: solution ?? null }),
  saidKind: () => WAY,
  said: {
    min: ({ min }) => number(min ?? USUAL.min),
    max: ({ max }) => number(max ?? USUAL.max),
    step: ({ step }) => number(step ?? USUAL.step),
    unit: ({ unit }) => quoted(unit!),
    solution: ({ solution }) => (solution === null ? "none" : number(solution!)),
  },
};

export default form;
