// Implements a poll for a number in the studio.

import { number as written } from "../../ui/numbers";
import type { StudioKind } from "../in-studio";
import type { NumberPoll } from "../kind";
import Editor from "./Editor.svelte";
import Results from "./InStudio.svelte";
import Ahead from "./InStudioAhead.svelte";
import { quantity } from "./said";

const number: StudioKind<NumberPoll> = {
  Results,
  Editor,
  Ahead,
  noun: "Value",
  one: "a value",
  sign: () => "",
  colour: () => "transparent",
  rule: (poll) => ["Number", `${written(poll.min)} to ${quantity(poll, poll.max)}, in steps of ${written(poll.step)}`],
  kept: ["solution"],
};

export default number;
