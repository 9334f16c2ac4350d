// Implements a poll for points on stage: its rows, the words about it, and its outcome.

import { leaders } from "../../present/arrange";
import { counted, percent } from "../../ui/numbers";
import type { PointsPoll } from "../kind";
import type { StageKind } from "../on-stage";
import Rows from "./OnStage.svelte";
import Outcome from "./OnStageOutcome.svelte";
import Table from "./OnStageTable.svelte";
import { measureOf, pointsAt, standings } from "./points";

const points: StageKind<PointsPoll> = {
  Rows,
  Outcome,
  Table,
  upright: true,
  scores: (_, slots) => pointsAt(slots),

  total: (poll, slots, voters) =>
    `${counted(measureOf(poll, slots), "point", "points")} from ${counted(voters, "person", "people")}`,

  lead(poll, slots) {
    const first = leaders(pointsAt(slots));
    const front = poll.final ? "Final result" : "In front";
    if (!first.length) return "";
    const { text, share } = standings(poll, slots)[first[0]!]!;
    if (first.length > 1) return `${front}: a tie of ${first.length}, with ${percent(share)} of all points each.`;
    return `${front}: ${text} has ${percent(share)} of all points.`;
  },
};

export default points;
