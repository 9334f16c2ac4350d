// Ranks what one organiser holds: what is voted for by its votes, and polls by their voters. As on the server's
// leaderboard equal numbers share a rank (1, 1, 3); within a rank the older poll comes first, then what stands
// first in its poll.

import type { Poll } from "../../api/generated";
import { rankedIn } from "../../kinds/ranked";

/** A `Leading` is one of the first in a ranking. */
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

/** Returns what has the most votes. */
export const topVoted = (polls: readonly Poll[], most: number): Leading[] =>
  ranked(
    oldestFirst(polls)
      .flatMap(rankedIn)
      .map(({ text, question, ...rest }) => ({ ...rest, name: text, of: question })),
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
