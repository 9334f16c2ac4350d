// Reads what is ranked across polls, where a poll's kind takes part in that.

import type { Leaderboard, Poll } from "../api/generated";
import { rankedOf } from "./kind";

/** `Ranked` is what is ranked: its text, the question it answers, and its votes. */
export type Ranked = { key: string; text: string; question: string; pollId: string; votes: number };

/** Returns what is ranked on the server's leaderboard, with ranks. */
export const onLeaderboard = ({ options }: Leaderboard): (Ranked & { rank: number })[] =>
  options.map(({ pollId, optionId, option, question, votes, rank }) => ({
    key: `${pollId}.${optionId}`,
    text: option,
    question,
    pollId,
    votes,
    rank,
  }));

/** Returns what is ranked of a poll; nothing for a kind that takes no part. */
export const rankedIn = (poll: Poll): Ranked[] =>
  rankedOf(poll).map(({ id, text, votes }) => ({
    key: `${poll.id}.${id}`,
    text,
    question: poll.question,
    pollId: poll.id,
    votes: votes ?? 0,
  }));
