// Computes what the ballot paper of a poll for points allows: nobody gives more than the budget.

import type { Answer } from "../../vote/kind";
import type { PointsPoll } from "../kind";

/** Returns the points of an answer, all together. */
export const given = (answer: Answer): number => answer.reduce<number>((sum, points) => sum + (points ?? 0), 0);

/** Returns the answer once an option has so many points, or as many as the budget leaves for it. */
export function giving({ budget, options }: PointsPoll, answer: Answer, index: number, points: number): number[] {
  const all = options.map((_, i) => answer[i] ?? 0);
  const most = budget - given(all) + all[index]!;
  all[index] = Math.max(0, Math.min(most, points));
  return all;
}

/** Returns the answer that gives each option the same. What cannot be divided stays with the voter. */
export const even = ({ budget, options: { length } }: PointsPoll): number[] =>
  Array<number>(length).fill(Math.floor(budget / length));

// Letters and colours are those of `../option`, which the stage and the studio use. What the papers of two kinds
// share would be a file of its own, and one more request.

/** Returns an option's letter. */
export const letter = (index: number): string => String.fromCharCode(65 + index);

/** Returns the custom property of an option's colour. */
export const colour = (index: number): string => `var(--${"abcdef"[index % 6]!})`;

/** Whether an option is hatched, because another option has its colour as well. */
export const hatched = (index: number): boolean => index > 5;
