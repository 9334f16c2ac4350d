// Ranks what one organiser holds: options by votes, and polls by voters. As on the server's leaderboard equal
// numbers share a rank (1, 1, 3); within a rank the older poll, then the lower option, comes first.

import type { Poll } from "../../api/generated";
import { optionsOf } from "../../kinds/kind";

/** A place in a ranking. */
export type Leading = { rank: number; key: string; name: string; of: string | null; pollId: string; votes: number };

type Unranked = Omit<Leading, "rank">;

function ranked(all: Unranked[], most: number): Leading[] {
  const sorted = all.filter((one) => one.votes > 0).sort((a, b) => b.votes - a.votes);
  return sorted
    .slice(0, most)
    .map((one) => ({ ...one, rank: sorted.findIndex((other) => other.votes === one.votes) + 1 }));
}

/** Sorting is stable, so the oldest go in first. */
const oldestFirst = (polls: readonly Poll[]) => [...polls].sort((a, b) => (a.id < b.id ? -1 : 1));

/** Returns the options with the most votes. */
export const topOptions = (polls: readonly Poll[], most: number): Leading[] =>
  ranked(
    oldestFirst(polls).flatMap((poll) =>
      optionsOf(poll).map((option) => ({
        key: `${poll.id}.${option.id}`,
        name: option.text,
        of: poll.question,
        pollId: poll.id,
        votes: option.votes ?? 0,
      })),
    ),
    most,
  );

/** Returns the polls with the most voters. */
export const topPolls = (polls: readonly Poll[], most: number): Leading[] =>
  ranked(
    oldestFirst(polls).map((poll) => ({
      key: poll.id,
      name: poll.question,
      of: null,
      pollId: poll.id,
      votes: poll.totalVoters ?? 0,
    })),
    most,
  );
