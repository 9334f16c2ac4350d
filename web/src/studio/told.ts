// Compares a poll or an event that the desk is told of with what it knows already.

import type { EventPoll, Poll } from "../api/generated";

/**
 * Returns the told poll with a missed closing time that was heard of before. The server tells a missed
 * closing time to whoever shows the owner's token, and not with what everybody watches; so once heard it is
 * kept while it holds.
 */
export const withMissed = (before: Poll | undefined, told: Poll): Poll =>
  before?.missedClosesAt &&
  !told.missedClosesAt &&
  told.status === "open" &&
  !told.closesAt &&
  told.round === before.round
    ? { ...told, missedClosesAt: before.missedClosesAt }
    : told;

/**
 * Whether this was told before. What is told twice changes nothing, and whatever depends on it stays as it
 * is.
 */
export const isAlike = (one: { version: number } | undefined, other: { version: number }) =>
  one?.version === other.version && JSON.stringify(one) === JSON.stringify(other);

/** Whether a poll is not known, or differs from its line in an event's list of polls. */
export const differs = (poll: Poll | undefined, line: EventPoll): boolean =>
  poll?.status !== line.status ||
  poll.question !== line.question ||
  poll.revealed !== line.revealed ||
  poll.final !== line.final;
