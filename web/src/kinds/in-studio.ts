// What the studio asks of a poll's kind. Each kind answers from a folder of its own, `<kind>/in-studio.ts`.

import type { Component } from "svelte";
import type { Poll } from "../api/generated";
import type { PollForm } from "../studio/poll-form.svelte";
import choice from "./choice/in-studio";
import rating from "./rating/in-studio";

export type StudioKind<P extends Poll = Poll> = {
  /** The results for whoever runs the poll. */
  readonly Results: Component<{ poll: P }>;
  /** What is written of a poll of this kind beside its question and what it asks about. */
  readonly Editor: Component<{ form: PollForm }>;
  /** What is ahead, for a line in a list. */
  readonly Ahead: Component<{ poll: P }>;
  /** What it asks about: each is called so, a further one so, and has this sign and colour where it is written. */
  readonly noun: string;
  readonly one: string;
  sign(index: number): string;
  colour(index: number): string;
  /** The rule that polls of this kind alone have: what it is called, and what it says. */
  rule(poll: P): [name: string, words: string];
};

/** Whoever has a poll takes its own kind, which the compiler cannot know. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyKind = StudioKind<any>;

const KINDS: Record<Poll["kind"], AnyKind> = {
  single: choice,
  multiple: choice,
  rating,
};

export const inStudio = ({ kind }: { kind: Poll["kind"] }): AnyKind => KINDS[kind];
