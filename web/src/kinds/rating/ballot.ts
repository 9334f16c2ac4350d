// Implements a rating on the voter's phone: its ballot paper, the words about it, and what its numbers come
// to.

import type { BallotKind } from "../../vote/kind";
import { decimal } from "../../vote/words.svelte";
import type { RatingPoll } from "../kind";
import Ballot from "./Ballot.svelte";
import Table from "./BallotTable.svelte";
import { highest } from "./rating";
import { say } from "./words";
import style from "./ballot.css?inline";

/** Of more statements than these only the highest and the lowest are read aloud. */
const ALOUD = 4;

const rating: BallotKind<RatingPoll> = {
  member: "answer",
  style,
  printed: ({ kind, revote, steps, lowest, symbol, lowLabel, highLabel, statements }) => [
    kind,
    revote,
    steps,
    lowest,
    symbol,
    lowLabel,
    highLabel,
    statements.map(({ id, text }) => [id, text]),
  ],
  Ballot,
  Table,

  choosing({ statements: { length: n } }, marked) {
    if (!marked) return say("start", { n });
    return marked === n ? say("all", { n }) : say("some", { marked, n });
  },

  sends({ poll, ballot, marked }) {
    const n = poll.statements.length;
    if (ballot.chosen.length && poll.revote !== "refuse") return say("change", { n });
    return marked && marked < n ? say("sendSome", { marked, n }) : say("send", { n });
  },

  lead(poll) {
    const top = highest(poll);
    const rated = poll.statements.flatMap(({ text, mean }) => (mean === null ? [] : [{ text, mean }]));
    if (rated.length <= ALOUD)
      return rated.map(({ text, mean }) => say("mean", { text, mean: decimal(mean), top })).join(" ");
    const high = rated.reduce((a, b) => (b.mean > a.mean ? b : a)),
      low = rated.reduce((a, b) => (b.mean < a.mean ? b : a));
    return say("between", { high: high.text, most: decimal(high.mean), low: low.text, least: decimal(low.mean), top });
  },

  yours: ({ statements: { length: n } }) => say("yours", { n }),
  lines: ({ statements }, answer) =>
    statements.flatMap(({ text }, index) => {
      const step = answer[index] ?? null;
      return step === null ? [] : [say("mark", { text, step })];
    }),
};

export default rating;
