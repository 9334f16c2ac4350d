// Implements the part of a poll's form that belongs to a poll for points: how many each person has.

import { counted } from "../../ui/numbers";
import type { FormKind } from "../in-studio-form";
import type { PointsPoll } from "../kind";

/** `PointsFields` holds the fields of a poll for points; `budget` is null while its field is empty. */
export type PointsFields = { budget: number | null };

/** How many points each person has if nobody has said so. */
export const USUAL = 100;
const WAY = "points for each";

const points: FormKind<PointsPoll, PointsFields> = {
  ways: { points: WAY },
  blank: { budget: USUAL },
  withKind: [],
  list: "options",
  fewest: 2,
  most: 20,
  members: { kind: ["kind", "options", "budget"], rows: ["kind", "options"] },
  read: ({ budget }) => ({ budget }),
  body: (kind, options, { budget }) => ({ kind, options, budget: budget ?? USUAL }),
  saidKind: () => WAY,
  said: { budget: ({ budget }) => counted(budget ?? USUAL, "point", "points") },
};

export default points;
