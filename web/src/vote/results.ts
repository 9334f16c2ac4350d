// What the numbers of any poll come to.

import type { Poll } from "../api/generated";
import { oneTap } from "./kind";
import { say } from "./words.svelte";

/** How many have voted, or why that is not told. */
export function turnout(poll: Poll): string {
  if (poll.totalVoters === null) return say(poll.results === "afterVote" ? "resultsAfter" : "resultsLater");
  return say(oneTap(poll) ? "votes" : "voters", { n: poll.totalVoters });
}

/** In one or two sentences, for those who listen; "" while numbers are hidden. `lead`: what stands out in them. */
export function summary(poll: Poll, lead: string): string {
  if (poll.totalVoters === null) return "";
  return lead ? `${turnout(poll)}. ${lead}` : turnout(poll);
}
