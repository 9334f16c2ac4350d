// Implements the part of a poll's form that belongs to a choice: how many options each person may choose.

import type { FormKind } from "../in-studio-form";
import type { ChoicePoll } from "../kind";

/**
 * `ChoiceFields` holds the fields of a choice; `maxChoices` is null where each person may choose all options.
 */
export type ChoiceFields = { maxChoices: number | null };

/** The number of choices always goes with the options, so that "all" stays all. */
const ALL = ["kind", "options", "maxChoices"];
const WAYS = { single: "one option", multiple: "several" };

const choice: FormKind<ChoicePoll, ChoiceFields> = {
  ways: WAYS,
  blank: { maxChoices: null },
  withKind: ["maxChoices"],
  list: "options",
  fewest: 2,
  most: 100,
  members: { kind: ALL, rows: ALL, maxChoices: ALL },
  read: ({ kind, maxChoices, options }) => ({
    maxChoices: kind === "multiple" && maxChoices < options.length ? maxChoices : null,
  }),
  body: (kind, options, { maxChoices }) => ({ options, kind, maxChoices: kind === "multiple" ? maxChoices : 1 }),
  saidKind: (kind, { maxChoices }) => WAYS[kind as ChoicePoll["kind"]] + (maxChoices ? `, at most ${maxChoices}` : ""),
  said: { maxChoices: ({ maxChoices }) => `at most ${maxChoices ?? "all"}` },
};

export default choice;
