// Implements a ranking in the studio.

import type { StudioKind } from "../in-studio";
import { number } from "../../ui/numbers";
import type { RankingPoll } from "../kind";
import { letter } from "../option";
import Editor from "./Editor.svelte";
import Results from "./InStudio.svelte";
import Ahead from "./InStudioAhead.svelte";

const ranking: StudioKind<RankingPoll> = {
  Results,
  Editor,
  Ahead,
  noun: "Option",
  one: "an option",
  sign: letter,
  colour: () => "transparent",
  rule: ({ places, options }) => [
    "Places",
    places < options.length ? `${number(places)} of ${number(options.length)}` : "all",
  ],
};

export default ranking;
