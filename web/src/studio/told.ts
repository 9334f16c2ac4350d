// What the desk makes of a poll or an event that it is told of once more.

import type { Poll } from "../api/generated";

/** That a closing time had passed is told to whoever shows the owner's token, and not with what everybody watches: once
    heard, it is kept while it holds. */
export const withMissed = (before: Poll | undefined, told: Poll): Poll =>
  before?.missedClosesAt &&
  !told.missedClosesAt &&
  told.status === "open" &&
  !told.closesAt &&
  told.round === before.round
    ? { ...told, missedClosesAt: before.missedClosesAt }
    : told;

/** What is told once more changes nothing: whatever hangs on it stays as it is. */
export const isAlike = (one: { version: number } | undefined, other: { version: number }) =>
  one?.version === other.version && JSON.stringify(one) === JSON.stringify(other);
