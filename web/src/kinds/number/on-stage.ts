// Implements a poll for a number on stage: its histogram, the words about it, and its outcome. Nobody wins it.

import { counted } from "../../ui/numbers";
import type { NumberPoll } from "../kind";
import type { StageKind } from "../on-stage";
import { figures } from "./number";
import Rows from "./OnStage.svelte";
import Outcome from "./OnStageOutcome.svelte";
import Table from "./OnStageTable.svelte";
import { middle, solved } from "./said";

const number: StageKind<NumberPoll> = {
  Rows,
  Outcome,
  Table,
  upright: false,
  scores: () => null,

  total: (_, _votes, voters) => counted(voters, "person has answered", "people have answered"),

  lead(poll, votes) {
    const { people, mean, median } = figures(poll, votes);
    const stands = people ? `Mean ${middle(poll, mean)}, median ${middle(poll, median)}.` : "";
    const answer = poll.revealed ? solved(poll) : "";
    return [stands, answer && `${answer}.`].filter(Boolean).join(" ");
  },
};

export default number;
