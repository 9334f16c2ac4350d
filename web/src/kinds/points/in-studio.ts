// Implements a poll for points in the studio.

import { number } from "../../ui/numbers";
import type { StudioKind } from "../in-studio";
import type { PointsPoll } from "../kind";
import { colour, letter } from "../option";
import Editor from "./Editor.svelte";
import Results from "./InStudio.svelte";
import Ahead from "./InStudioAhead.svelte";

const points: StudioKind<PointsPoll> = {
  Results,
  Editor,
  Ahead,
  noun: "Option",
  one: "an option",
  sign: letter,
  colour,
  rule: ({ budget }) => ["Points", `up to ${number(budget)} from each person`],
};

export default points;
