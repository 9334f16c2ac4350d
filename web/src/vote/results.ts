// Puts the numbers of any poll into words.

import type { Poll } from "../api/generated";
import { oneTap } from "./kind";
import { say } from "./words.svelte";

/** Returns how many have voted, and when the rest is told, if that is not now. */
export function turnout(poll: Poll): string {
  const after = poll.results === "afterVote",
    n = poll.totalVoters;
  if (n === null) return say(after ? "resultsAfter" : "resultsLater");
  if (poll.totalVotes === null) return say(after ? "votedAfter" : "votedLater", { n });
  return say(oneTap(poll) ? "votes" : "voters", { n });
}

/**
 * Returns the results in one or two sentences, for screen readers; "" while numbers are hidden. `lead` is
 * what stands out in them.
 */
export function summary(poll: Poll, lead: string): string {
  if (poll.totalVotes === null) return "";
  return lead ? `${turnout(poll)}. ${lead}` : turnout(poll);
}
