// Computes what the numbers of a rating come to, statement by statement.

import type { RatingPoll } from "../kind";

/**
 * `Standing` says how a statement stands: how many rated it, the mean of their steps, and how often each step
 * was given.
 */
export type Standing = { text: string; votes: number; mean: number | null; spread: readonly number[] };

/** Returns how each statement stands at these counts, which have a slot for each step of each statement. */
export function standings(poll: RatingPoll, slots: readonly number[]): Standing[] {
  return poll.statements.map(({ text }, i) => {
    const spread = slots.slice(i * poll.steps, (i + 1) * poll.steps);
    const votes = spread.reduce((sum, count) => sum + count, 0);
    const sum = spread.reduce((all, count, step) => all + count * (poll.lowest + step), 0);
    return { text, votes, mean: votes ? sum / votes : null, spread };
  });
}

/** A `Scale` has a lowest step and a number of steps. */
export type Scale = Pick<RatingPoll, "lowest" | "steps">;

/** Returns the scale's steps as they are shown, ascending. */
export const scale = ({ lowest, steps }: Scale): number[] => Array.from({ length: steps }, (_, i) => lowest + i);

/** Returns the highest step. */
export const highest = ({ lowest, steps }: Scale): number => lowest + steps - 1;

/** Returns the statement with the highest mean, the first of several; null while nothing is rated. */
export const best = <Rated extends { mean: number | null }>(statements: readonly Rated[]): Rated | null =>
  statements.reduce<Rated | null>((top, one) => ((one.mean ?? -1) > (top?.mean ?? -1) ? one : top), null);

/** Returns where each step's part of a bar begins and how long it is, as fractions of the bar. */
export function parts(spread: readonly number[]): { from: number; length: number }[] {
  const all = spread.reduce((sum, count) => sum + count, 0);
  let from = 0;
  return spread.map((count) => {
    const length = all ? count / all : 0,
      begins = from;
    from += length;
    return { from: begins, length };
  });
}

/** Returns how strong the colour of a step is, in per cent: the higher the step, the stronger. */
export const strength = (step: number, steps: number): number => Math.round(22 + (78 * step) / (steps - 1));
