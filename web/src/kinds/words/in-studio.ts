// Implements a poll of words in the studio.

import { counted } from "../../ui/numbers";
import { LISTED } from "../../studio/moderation/keys";
import Panel from "../../studio/moderation/Moderation.svelte";
import type { StudioKind } from "../in-studio";
import type { WordsPoll } from "../kind";
import Editor from "./Editor.svelte";
import Results from "./InStudio.svelte";
import Ahead from "./InStudioAhead.svelte";

const words: StudioKind<WordsPoll> = {
  Results,
  Panel,
  keys: LISTED,
  Editor,
  Ahead,
  noun: "Word",
  one: "a word",
  sign: () => "",
  colour: () => "transparent",
  rule: ({ maxWords, approve }) => [
    "Words",
    `${maxWords > 1 ? "up to " : ""}${counted(maxWords, "word", "words")} from each person` +
      (approve ? ", shown once you approve them" : ""),
  ],
};

export default words;
