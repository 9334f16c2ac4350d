// Answers what every screen may ask of a poll's kind; how a kind looks is in its folder.

import type { Choice, Poll, Rating } from "../api/generated";

/** A `ChoicePoll` is a poll that asks for options. */
export type ChoicePoll = Extract<Poll, Choice>;
/** A `RatingPoll` is a poll that asks how much of each statement. */
export type RatingPoll = Extract<Poll, Rating>;

/** Whether a poll is a rating. */
export const isRating = (poll: Poll): poll is RatingPoll => poll.kind === "rating";

/** Returns the texts of the options or statements, in the organiser's order. */
export const textsOf = (poll: Poll): string[] =>
  (isRating(poll) ? poll.statements : poll.options).map(({ text }) => text);

/**
 * Returns the poll's numbers slot by slot, as its trend and its replay have them; 0 where they are hidden.
 */
export const slotsOf = (poll: Poll): number[] =>
  isRating(poll)
    ? poll.statements.flatMap(({ spread }) => spread ?? Array<number>(poll.steps).fill(0))
    : poll.options.map(({ votes }) => votes ?? 0);
