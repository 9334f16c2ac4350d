// Implements a choice in the studio.

import { colour, letter } from "../option";
import type { StudioKind } from "../in-studio";
import type { ChoicePoll } from "../kind";
import Editor from "./Editor.svelte";
import Results from "./InStudio.svelte";
import Ahead from "./InStudioAhead.svelte";

const choice: StudioKind<ChoicePoll> = {
  Results,
  Editor,
  Ahead,
  noun: "Option",
  one: "an option",
  // Options have the same letters and colours on every screen.
  sign: letter,
  colour,
  rule: ({ kind, maxChoices }) => ["Choices", kind === "multiple" ? `up to ${maxChoices}` : "one"],
};

export default choice;
