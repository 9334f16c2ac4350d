// Implements a poll for points on the voter's phone: its ballot paper, the words about it, and what its numbers
// come to.

import { share } from "../../ui/writing";
import type { BallotKind } from "../../vote/kind";
import { percent } from "../../vote/words.svelte";
import type { PointsPoll } from "../kind";
import { given } from "./ballot-marks";
import Ballot from "./Ballot.svelte";
import Table from "./BallotTable.svelte";
import { whole } from "./points";
import { say } from "./words";
import style from "./ballot.css?inline";

const points: BallotKind<PointsPoll> = {
  member: "answer",
  style,
  printed: ({ kind, revote, budget, options }) => [kind, revote, budget, options.map(({ id, text }) => [id, text])],
  Ballot,
  Table,

  choosing: ({ budget: n }, marked) => (marked ? say("marked") : say("start", { n })),

  sends({ poll: { budget, revote }, ballot, picked, changing }) {
    const n = given(picked);
    if (ballot.chosen.length && revote !== "refuse") return say("change", { n: budget });
    return changing && n < budget ? say("sendSome", { given: n, budget }) : say("send", { n: budget });
  },

  lead(poll) {
    const most = Math.max(...poll.options.map((option) => option.points ?? 0));
    if (!most) return "";
    const [best, second] = poll.options.filter((option) => option.points === most);
    const key = second ? "level" : poll.final ? "wins" : "leads";
    return say(key, { option: best!.text, share: percent(share(most, whole(poll))) });
  },

  yours: ({ budget: n }) => say("yours", { n }),
  lines: ({ options }, answer) =>
    options.flatMap(({ text }, i) => (answer[i] ? [say("mark", { text, points: answer[i] })] : [])),
};

export default points;
