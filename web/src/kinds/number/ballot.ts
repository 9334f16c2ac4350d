// Implements a poll for a number on the voter's phone: its ballot paper, the words about it, and what its numbers
// come to.

import type { BallotKind } from "../../vote/kind";
import type { NumberPoll } from "../kind";
import Ballot from "./Ballot.svelte";
import { middle, nearest, quantity } from "./ballot-said";
import Table from "./BallotTable.svelte";
import { solutionOf } from "./number";
import { say } from "./words";
import style from "./ballot.css?inline";

const number: BallotKind<NumberPoll> = {
  member: "answer",
  alone: true,
  style,
  printed: ({ kind, revote, min, max, step, unit }) => [kind, revote, min, max, step, unit],
  Ballot,
  Table,

  choosing: (_, marked) => say(marked ? "marked" : "start"),

  sends({ poll, ballot, picked: [value = null] }) {
    if (value === null) return say("missing");
    const again = ballot.chosen.length && poll.revote !== "refuse";
    return say(again ? "change" : "send", { value: quantity(poll, value) });
  },

  lead(poll) {
    if (poll.mean === null) return "";
    const stands = say("stands", { mean: middle(poll, poll.mean), median: middle(poll, poll.median) });
    const solution = solutionOf(poll);
    if (solution === null) return stands;
    return `${stands} ${say("right", { value: quantity(poll, solution) })}. ${nearest(poll)}`;
  },

  yours: () => say("yours"),
  lines: (poll, answer) => answer.flatMap((value) => (value === null ? [] : [quantity(poll, value)])),
};

export default number;
