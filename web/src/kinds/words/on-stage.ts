// Implements a poll of words on stage: a cloud, or a list with counts. The most-said words lead; nobody wins.

import { counted } from "../../ui/numbers";
import type { WordsPoll } from "../kind";
import type { StageKind } from "../on-stage";
import Rows from "./OnStage.svelte";
import Outcome from "./OnStageOutcome.svelte";
import Table from "./OnStageTable.svelte";
import { leading } from "./told";

const words: StageKind<WordsPoll> = {
  Rows,
  Outcome,
  Table,
  upright: false,
  lists: true,
  // Over time only the number of all votes is known, so there is no cloud of an earlier moment.
  unreplayed: "A poll of words is not shown again: over time only the number of all votes is kept.",
  central: true,
  scores: () => null,

  total: (_, [votes], voters) => `${counted(voters, "person", "people")}, ${counted(votes ?? 0, "word", "words")}`,

  lead: leading,
};

export default words;
