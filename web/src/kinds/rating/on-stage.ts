// Implements a rating on stage: its rows, the words about it, and its outcome. A rating has no winner.

import { counted, decimal } from "../../ui/numbers";
import type { RatingPoll } from "../kind";
import type { StageKind } from "../on-stage";
import Rows from "./OnStage.svelte";
import Outcome from "./OnStageOutcome.svelte";
import Table from "./OnStageTable.svelte";
import { highest, standings } from "./rating";

/** Of more statements than these only the first are read aloud; the table has them all. */
const ALOUD = 5;

const rating: StageKind<RatingPoll> = {
  Rows,
  Outcome,
  Table,
  upright: false,
  scores: () => null,

  total: (_, _votes, voters) => counted(voters, "person has rated", "people have rated"),

  lead: (poll, votes) =>
    standings(poll, votes)
      .slice(0, ALOUD)
      .flatMap(({ text, mean }) => (mean === null ? [] : `${text}: ${decimal(mean)} of ${highest(poll)}.`))
      .join(" "),
};

export default rating;
