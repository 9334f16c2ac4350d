// Implements the part of a poll's form that belongs to a rating: its scale, what the scale's ends mean, and how
// it looks.

import { quoted } from "../../studio/edit/said";
import type { FormKind } from "../in-studio-form";
import type { RatingPoll } from "../kind";
import { highest, type Scale } from "./rating";

/** `Ends` holds the lowest and the highest step of a scale. */
export type Ends = `${number}-${number}`;
/** `RatingFields` holds the fields of a rating. */
export type RatingFields = { scale: Ends; lowLabel: string; highLabel: string; symbol: "stars" | "numbers" };
/** The scales that are offered. */
export const SCALES: Ends[] = ["1-2", "1-3", "1-4", "1-5", "1-6", "1-7", "1-8", "1-9", "1-10", "0-10"];

/** Returns the scale that is written. */
export function range({ scale }: Pick<RatingFields, "scale">): Scale {
  const [lowest, highest] = scale.split("-").map(Number) as [number, number];
  return { lowest, steps: highest - lowest + 1 };
}

/** Whether the scale is shown as stars, which cannot show a step 0. */
export const starred = (fields: Pick<RatingFields, "scale" | "symbol">): boolean =>
  fields.symbol === "stars" && range(fields).lowest > 0;

const WAY = "a rating for each";

const rating: FormKind<RatingPoll, RatingFields> = {
  ways: { rating: WAY },
  blank: { scale: "1-5", lowLabel: "", highLabel: "", symbol: "stars" },
  withKind: [],
  list: "statements",
  fewest: 1,
  most: 30,
  members: {
    kind: ["kind", "statements", "steps", "lowest", "lowLabel", "highLabel", "symbol"],
    rows: ["kind", "statements"],
    scale: ["steps", "lowest", "symbol"],
  },
  read: (poll) => ({
    scale: `${poll.lowest}-${highest(poll)}`,
    lowLabel: poll.lowLabel,
    highLabel: poll.highLabel,
    symbol: poll.symbol,
  }),
  body: (kind, statements, fields) => ({
    kind,
    statements,
    ...range(fields),
    lowLabel: fields.lowLabel,
    highLabel: fields.highLabel,
    symbol: starred(fields) ? "stars" : "numbers",
  }),
  saidKind: () => WAY,
  said: {
    scale: ({ scale }) => `from ${scale!.replace("-", " to ")}`,
    symbol: ({ symbol }) => symbol!,
    lowLabel: ({ lowLabel }) => quoted(lowLabel!),
    highLabel: ({ highLabel }) => quoted(highLabel!),
  },
};

export default rating;
