// Holds what tests of numbers share: a poll with given answers.

import { POLL } from "../../api/fixture";
import type { NumberPoll } from "../kind";
import { away, figures, lengthOf, slotOf } from "./number";

/**
 * Returns a poll for a number from 0 to 100 kg. `answers` is how many people gave each value; null hides it. Mean,
 * median and the nearest answers follow from that, as far as the poll has a solution.
 */
export function makeNumber(
  answers: readonly (readonly [value: number, people: number])[] | null,
  rest: Partial<NumberPoll> = {},
): NumberPoll {
  const { kind, options, maxChoices, ...common } = POLL;
  const grid = { min: 0, max: 100, step: 1, ...rest };
  const spread = answers && Array<number>(lengthOf(grid)).fill(0);
  for (const [value, people] of answers ?? []) spread![Math.round(slotOf(grid, value))] = people;
  const stands = spread && figures(grid, spread);
  return {
    ...common,
    kind: "number",
    results: spread ? "live" : "hidden",
    ...grid,
    unit: "kg",
    solution: null,
    spread,
    votes: stands && stands.people,
    mean: stands && stands.mean,
    median: stands && stands.median,
    nearest: nearestOf(answers, rest.solution ?? null),
    revealed: spread !== null,
    totalVoters: stands && stands.people,
    totalVotes: stands && stands.people,
    ...rest,
  };
}

/** Returns the answers that are the nearest to a solution. */
function nearestOf(answers: readonly (readonly [number, number])[] | null, solution: number | null) {
  if (solution === null || !answers?.length) return null;
  const least = Math.min(...answers.map(([value]) => away(value, solution)));
  const nearest = answers.filter(([value]) => away(value, solution) === least).sort(([a], [b]) => a - b);
  return { values: nearest.map(([value]) => value), people: nearest.reduce((sum, [, people]) => sum + people, 0) };
}
