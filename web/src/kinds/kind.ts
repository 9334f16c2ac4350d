// Declares what every screen may ask of a poll's kind, whatever it looks like there. Each kind answers from a
// folder of its own, `<kind>/kind.ts`.

import type { Choice, Points, Poll, Ranking, Rating } from "../api/generated";
import choice from "./choice/kind";
import number from "./number/kind";
import points from "./points/kind";
import ranking from "./ranking/kind";
import rating from "./rating/kind";
import words from "./words/kind";

/** A `ChoicePoll` is a poll that asks for options. */
export type ChoicePoll = Extract<Poll, Choice>;
/** A `RatingPoll` is a poll that asks how much of each statement. */
export type RatingPoll = Extract<Poll, Rating>;
/** A `RankingPoll` is a poll that asks in which order options come. */
export type RankingPoll = Extract<Poll, Ranking>;
/** A `PointsPoll` is a poll that asks how points are shared out among options. */
export type PointsPoll = Extract<Poll, Points>;
/** A `NumberPoll` is a poll that asks for a number. */
export type NumberPoll = Extract<Poll, { kind: "number" }>;
/** A `WordsPoll` is a poll that asks for words or short phrases. */
export type WordsPoll = Extract<Poll, { kind: "words" }>;

/** A `KindRow` is one of the things that a poll asks about. */
export type KindRow = { id: number; text: string };
/** A `RankedRow` is a row that leaderboards rank, with its votes; null while they are hidden. */
export type RankedRow = KindRow & { votes: number | null };

/** A `SharedKind` is a kind's part for all screens. */
export type SharedKind<P extends Poll = Poll> = {
  /** Returns what the poll asks about, in the organiser's order. */
  rows(poll: P): readonly KindRow[];
  /** Returns the poll's numbers slot by slot; 0 where they are hidden. */
  slots(poll: P): number[];
  /** Returns the rows that leaderboards rank; none where the kind takes no part in them. */
  ranked(poll: P): readonly RankedRow[];
  /** Returns whether a text that was shown before is shown no more; no such text exists if this is left out. */
  withdraws?(before: P, after: P): boolean;
};

/** A kind that is given polls of its own kind only, which the compiler cannot know. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyKind = SharedKind<any>;

const KINDS: Record<Poll["kind"], AnyKind> = {
  single: choice,
  multiple: choice,
  rating,
  ranking,
  points,
  number,
  words,
};

/** Returns the texts of what the poll asks about, in the organiser's order. */
export const textsOf = (poll: Poll): string[] => KINDS[poll.kind].rows(poll).map(({ text }) => text);

/**
 * Returns the poll's numbers slot by slot, as its trend and its replay have them; 0 where they are hidden.
 */
export const slotsOf = (poll: Poll): number[] => KINDS[poll.kind].slots(poll);

/**
 * Returns whether a text that the poll showed before is shown no more, so that it must leave what is said later than it
 * is drawn.
 */
export const withdraws = (before: Poll, after: Poll): boolean =>
  before.id === after.id && !!KINDS[after.kind].withdraws?.(before, after);

/** Returns the rows of the poll that leaderboards rank. */
export const rankedOf = (poll: Poll): readonly RankedRow[] => KINDS[poll.kind].ranked(poll);
