// Implements a rating in the studio.

import type { StudioKind } from "../in-studio";
import type { RatingPoll } from "../kind";
import Editor from "./Editor.svelte";
import Results from "./InStudio.svelte";
import Ahead from "./InStudioAhead.svelte";
import { highest } from "./rating";

const rating: StudioKind<RatingPoll> = {
  Results,
  Editor,
  Ahead,
  noun: "Statement",
  one: "a statement",
  sign: (index) => `${index + 1}`,
  colour: () => "transparent",
  rule: (poll) => ["Scale", `${poll.lowest} to ${highest(poll)}`],
};

export default rating;
