// Implements a choice on the voter's phone: its ballot paper, the words about it, and what its numbers come
// to.

import { share } from "../../ui/writing";
import type { BallotKind } from "../../vote/kind";
import { percent, speech } from "../../vote/words.svelte";
import type { ChoicePoll } from "../kind";
import Ballot from "./Ballot.svelte";
import Table from "./BallotTable.svelte";
import { say } from "./words";
import style from "./ballot.css?inline";

const choice: BallotKind<ChoicePoll> = {
  member: "optionIds",
  style,
  printed: ({ kind, maxChoices, revote, options }) => [
    kind,
    maxChoices,
    revote,
    options.map(({ id, text }) => [id, text]),
  ],
  Ballot,
  Table,

  choosing({ kind, maxChoices, revote }, marked, changing) {
    const left = maxChoices - marked;
    if (kind === "single" && changing) return say("marked");
    if (kind === "single" && revote !== "refuse") return say("tap");
    if (marked === 0) return say("choose", { n: maxChoices });
    return left ? say("left", { n: left }) : say("noneLeft");
  },

  sends: ({ poll, ballot }) => (ballot.chosen.length && poll.revote !== "refuse" ? say("change") : speech.say("vote")),

  lead(poll) {
    const most = Math.max(...poll.options.map((option) => option.votes ?? 0));
    if (most === 0) return "";
    const [best, second] = poll.options.filter((option) => option.votes === most);
    if (second) return say("level");
    return say(poll.final ? "wins" : "leads", {
      option: best!.text,
      share: percent(share(best!.votes, poll.totalVoters)),
    });
  },

  yours: () => say("choice"),
  lines: ({ options }, answer) => options.filter(({ id }) => answer.includes(id)).map(({ text }) => text),
};

export default choice;
