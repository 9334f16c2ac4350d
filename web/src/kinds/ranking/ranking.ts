// Computes what the numbers of a ranking come to, option by option.

import type { RankingPoll } from "../kind";

/**
 * `Standing` says how an option stands: how many ranked it, its points and its rank by them, how often it came
 * first, its mean place, and how often it was given each place.
 */
export type Standing = {
  text: string;
  votes: number;
  points: number;
  rank: number | null;
  first: number;
  mean: number | null;
  spread: readonly number[];
};

const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);

/** Returns how each option stands at these counts, which have a slot for each place of each option. */
export function standings({ options, places }: RankingPoll, slots: readonly number[]): Standing[] {
  const rows = options.map(({ text }, i) => {
    const spread = slots.slice(i * places, (i + 1) * places);
    const votes = sum(spread);
    const mean = votes ? sum(spread.map((count, at) => count * (at + 1))) / votes : null;
    return {
      text,
      votes,
      points: sum(spread.map((count, at) => count * (places - at))),
      first: spread[0] ?? 0,
      mean,
      spread,
    };
  });
  return rows.map((row) => ({ ...row, rank: rankIn(rows, row.points) }));
}

/** Returns the rank of points among all: equal ones share a rank, and the next is skipped. Null while all are 0. */
export const rankIn = (all: readonly { points: number | null }[], own: number | null): number | null =>
  all.some(({ points }) => points) ? 1 + all.filter(({ points }) => points! > own!).length : null;

/** Returns the points of an option that all voters put first. */
export const mostOf = ({ places }: Pick<RankingPoll, "places">, voters: number | null): number =>
  places * (voters ?? 0);
