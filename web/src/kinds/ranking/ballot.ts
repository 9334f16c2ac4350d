// Implements a ranking on the voter's phone: its ballot paper, the words about it, and what its numbers come
// to.

import type { BallotKind } from "../../vote/kind";
import { speech } from "../../vote/words.svelte";
import type { RankingPoll } from "../kind";
import Ballot from "./Ballot.svelte";
import { givenIn, optionOf } from "./ballot-order";
import Table from "./BallotTable.svelte";
import { say } from "./words";
import style from "./ballot.css?inline";

const ranking: BallotKind<RankingPoll> = {
  member: "answer",
  style,
  printed: ({ kind, revote, places, options }) => [kind, revote, places, options.map(({ id, text }) => [id, text])],
  Ballot,
  Table,

  choosing: ({ places: n }, marked) => (marked ? say("some", { marked, n }) : say("start")),

  sends: ({ poll, ballot }) => say(ballot.chosen.length && poll.revote !== "refuse" ? "change" : "send"),

  lead({ options, final }) {
    const most = Math.max(...options.map(({ points }) => points ?? 0));
    if (most === 0) return "";
    const [best, second] = options.filter(({ points }) => points === most);
    return second
      ? say("level")
      : say(final ? "wins" : "leads", { option: best!.text, points: say("points", { n: most }) });
  },

  yours: () => say("yours"),
  lines: (poll, answer) =>
    givenIn(poll, answer).map((id, i) => speech.fill("{n}. {text}", { n: i + 1, text: optionOf(poll, id).text })),
};

export default ranking;
