// Tells which folder holds the parts of each kind of poll. The build reads it as well: it makes a voter's page
// for each kind, which brings the kind's script along.

import type { Poll } from "../api/generated";

/** The folders by the API's words for the kinds. */
export const FOLDERS = {
  single: "choice",
  multiple: "choice",
  rating: "rating",
  ranking: "ranking",
  points: "points",
  number: "number",
  words: "words",
} as const satisfies Record<Poll["kind"], string>;
