// What the numbers of a poll come to.

import type { Poll, PollOption } from "../api/generated";
import { number, percent, say } from "./words.svelte";

/** An option's share of the people who voted; 0 while nobody has, or nobody may know. */
export const share = (poll: Poll, option: PollOption): number =>
  poll.totalVoters ? (option.votes ?? 0) / poll.totalVoters : 0;

/** How many have voted, or why that is not told. */
export function turnout(poll: Poll): string {
  if (poll.totalVoters === null) return say(poll.results === "afterVote" ? "resultsAfter" : "resultsLater");
  return say(poll.kind === "multiple" ? "voters" : "votes", { n: poll.totalVoters });
}

/** In one or two sentences, for those who listen; "" while numbers are hidden. */
export function summary(poll: Poll): string {
  if (poll.totalVoters === null) return "";
  const most = Math.max(...poll.options.map((option) => option.votes ?? 0));
  if (most === 0) return turnout(poll);
  const [best, second] = poll.options.filter((option) => option.votes === most);
  const lead = second ? say("level")
    : say(poll.final ? "wins" : "leads", { option: best!.text, share: percent(share(poll, best!)) });
  return `${turnout(poll)}. ${lead}`;
}

/** Characters that the longest number of votes takes. */
export const digits = (poll: Poll): number => Math.max(4, number(poll.totalVoters ?? 0).length);
