// What the numbers of a choice come to.

import type { PollOption } from "../../api/generated";
import { share as part } from "../../ui/writing";
import { number } from "../../vote/words.svelte";
import type { ChoicePoll } from "../kind";

/** An option's share of the people who voted. */
export const share = (poll: ChoicePoll, option: PollOption): number => part(option.votes, poll.totalVoters);

/** Characters that the longest number of votes takes. */
export const digits = (poll: ChoicePoll): number => Math.max(4, number(poll.totalVoters ?? 0).length);
