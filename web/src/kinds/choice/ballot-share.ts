// What the numbers of a choice come to.

import type { PollOption } from "../../api/generated";
import { number } from "../../vote/words.svelte";
import type { ChoicePoll } from "../kind";

/** An option's share of the people who voted; 0 while nobody has, or nobody may know. */
export const share = (poll: ChoicePoll, option: PollOption): number =>
  poll.totalVoters ? (option.votes ?? 0) / poll.totalVoters : 0;

/** Characters that the longest number of votes takes. */
export const digits = (poll: ChoicePoll): number => Math.max(4, number(poll.totalVoters ?? 0).length);
