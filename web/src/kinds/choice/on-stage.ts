// Implements a choice on stage: its rows, the words about it, and its outcome.

import { leaders } from "../../present/arrange";
import { counted, percent, share } from "../../ui/numbers";
import type { ChoicePoll } from "../kind";
import type { StageKind } from "../on-stage";
import Rows from "./OnStage.svelte";
import Outcome from "./OnStageOutcome.svelte";
import Table from "./OnStageTable.svelte";

const choice: StageKind<ChoicePoll> = {
  Rows,
  Outcome,
  Table,
  upright: true,
  scores: (_, votes) => votes,

  total({ kind }, votes, voters) {
    if (kind === "single") return counted(voters, "vote", "votes");
    return `${counted(
      votes.reduce((a, b) => a + b, 0),
      "vote",
      "votes",
    )} of ${counted(voters, "person", "people")}`;
  },

  lead({ final, options }, votes, voters) {
    const first = leaders(votes);
    const front = final ? "Final result" : "In front";
    if (!first.length) return "";
    if (first.length > 1) return `${front}: a tie of ${first.length}.`;
    return `${front}: ${options[first[0]!]!.text}, ${percent(share(votes[first[0]!], voters))}.`;
  },
};

export default choice;
