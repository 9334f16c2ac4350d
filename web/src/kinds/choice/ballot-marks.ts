// Computes the marks on the ballot paper of a choice, and the room that its numbers take.

import type { Voting } from "../../vote/voting.svelte";
import { number } from "../../vote/words.svelte";
import type { ChoicePoll } from "../kind";

/** Returns the marks once this option is marked, or its mark is taken away. */
export function toggled({ poll, picked }: Voting<ChoicePoll>, id: number): number[] {
  const others = picked.filter((other) => other !== null);
  if (poll.kind === "single") return [id];
  return others.includes(id) ? others.filter((other) => other !== id) : [...others, id].sort((a, b) => a - b);
}

/** Returns how many characters the longest number of votes takes. */
export const digits = (poll: ChoicePoll): number => Math.max(4, number(poll.totalVoters ?? 0).length);
