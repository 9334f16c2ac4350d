// Implements a ranking on stage: its rows, the words about it, and its outcome.

import { leaders } from "../../present/arrange";
import { counted } from "../../ui/numbers";
import type { RankingPoll } from "../kind";
import type { StageKind } from "../on-stage";
import Rows from "./OnStage.svelte";
import Outcome from "./OnStageOutcome.svelte";
import Table from "./OnStageTable.svelte";
import { standings } from "./ranking";

const scores = (poll: RankingPoll, votes: readonly number[]) => standings(poll, votes).map(({ points }) => points);

const ranking: StageKind<RankingPoll> = {
  Rows,
  Outcome,
  Table,
  upright: false,
  scores,

  total: (_, _votes, voters) => counted(voters, "person has ranked", "people have ranked"),

  lead(poll, votes) {
    const points = scores(poll, votes),
      first = leaders(points);
    const front = poll.final ? "Final result" : "In front";
    if (!first.length) return "";
    if (first.length > 1) return `${front}: a tie of ${first.length}.`;
    return `${front}: ${poll.options[first[0]!]!.text}, ${counted(points[first[0]!]!, "point", "points")}.`;
  },
};

export default ranking;
