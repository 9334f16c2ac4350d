// Compares a poll or an event that the desk is told of with what it knows already.

import type { EventPoll, Poll } from "../api/generated";
import { inStudio } from "../kinds/in-studio";

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

/** Returns what is known of a poll that only its owner is told until the close. */
function keptOf(poll: Poll): Partial<Poll> {
  const kept: readonly string[] = inStudio(poll).kept ?? [];
  return Object.fromEntries(Object.entries(poll).filter(([name, value]) => kept.includes(name) && value !== null));
}

/** Whether the owner of a poll is told more of it than everybody. */
export const tellsOwnerMore = (poll: Poll): boolean =>
  !poll.revealed || (poll.status !== "closed" && Object.keys(keptOf(poll)).length > 0);

/** Orders polls by how much a connection hides without their tokens: first those whose numbers it hides. */
export const hiddenFirst = (one: Poll, other: Poll): number => Number(one.revealed) - Number(other.revealed);

/**
 * Returns a poll that a connection told, with what the page knows of it that only its owner is told. A connection
 * that has not heard the owner's token, or is shown too many, leaves it out. No draft is told without the token, and
 * once a poll is open nobody can change it.
 */
export function withKept(before: Poll | undefined, told: Poll): Poll {
  if (before?.kind !== told.kind || told.status === "draft") return told;
  const more = Object.entries(keptOf(before)).filter(([name]) => told[name as keyof Poll] === null);
  return more.length ? Object.assign({ ...told }, Object.fromEntries(more)) : told;
}

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
