// Says the numbers of a poll for a number on the stage and in the studio.

import { counted, number } from "../../ui/numbers";
import type { NumberPoll } from "../kind";
import { dashAfter, joined, rounded, solutionOf, type Bin } from "./number";

/** The characters “first strong isolate” and “pop directional isolate”. */
const [ISOLATE, END] = [0x2068, 0x2069].map((point) => String.fromCodePoint(point)) as [string, string];

/** Returns a value with the poll's unit. */
export const quantity = ({ unit }: Pick<NumberPoll, "unit">, value: number): string => joined(number(value), unit);

/** Returns a mean or a median with the poll's unit; a dash while there is none. */
export const middle = (poll: NumberPoll, value: number | null): string =>
  value === null ? "–" : quantity(poll, rounded(poll, value));

/**
 * Returns a value with the poll's unit for a sentence, where a unit that is written from right to left must not turn
 * around the words beside it.
 */
const within = (poll: NumberPoll, value: number): string =>
  /[\u0590-\u08ff\ufb1d-\ufefc]/.test(poll.unit) ? ISOLATE + quantity(poll, value) + END : quantity(poll, value);

/** Returns the values of a bin: one, or the first and the last. */
export const span = ({ from, to }: Bin, write = number): string =>
  from < to ? write(from) + dashAfter(from) + write(to) : write(from);

/** Returns who came nearest to the right answer; "" while nobody has answered. */
export function nearest(poll: NumberPoll): string {
  if (!poll.nearest) return "";
  const values = poll.nearest.values.map((value) => within(poll, value)).join(" and ");
  const people = counted(poll.nearest.people, "person", "people").replace(" ", "\u00a0");
  return `nearest: ${values} (${people})`;
}

/** Returns the right answer and who came nearest, in a sentence; "" before the close, and where there is none. */
export function solved(poll: NumberPoll): string {
  const solution = solutionOf(poll);
  if (solution === null) return "";
  return [`Right answer: ${within(poll, solution)}`, nearest(poll)].filter(Boolean).join(" — ");
}
