// Implements the part of a poll's form that belongs to a ranking: how many places each person gives.

import { counted } from "../../ui/numbers";
import type { FormKind } from "../in-studio-form";
import type { RankingPoll } from "../kind";

/** `RankingFields` holds the fields of a ranking; `places` is null where each person may give all places. */
export type RankingFields = { places: number | null };

/** The number of places always goes with the options, so that "all" stays all. */
const ALL = ["kind", "options", "places"];
const WAY = "an order";
const written = (places: number) => counted(places, "place", "places");

const ranking: FormKind<RankingPoll, RankingFields> = {
  ways: { ranking: WAY },
  blank: { places: null },
  withKind: ["places"],
  list: "options",
  fewest: 2,
  most: 20,
  members: { kind: ALL, rows: ALL, places: ALL },
  read: ({ places, options }) => ({ places: places < options.length ? places : null }),
  body: (kind, options, { places }) => ({ kind, options, places }),
  saidKind: (_, { places }) => WAY + (places ? `, ${written(places)}` : ""),
  said: { places: ({ places }) => (places ? written(places) : "all places") },
};

export default ranking;
