// Declares what the studio asks of a poll's kind. Each kind answers from a folder of its own,
// `<kind>/in-studio.ts`.

import type { Component } from "svelte";
import type { Poll } from "../api/generated";
import type { Desk } from "../studio/desk.svelte";
import type { PollForm } from "../studio/poll-form.svelte";
import choice from "./choice/in-studio";
import number from "./number/in-studio";
import points from "./points/in-studio";
import ranking from "./ranking/in-studio";
import rating from "./rating/in-studio";
import words from "./words/in-studio";

/** A `StudioKind` is a kind's part for the studio. */
export type StudioKind<P extends Poll = Poll> = {
  /** The results for whoever runs the poll. */
  readonly Results: Component<{ poll: P }>;
  /** The fields that polls of this kind have beside the question and the options or statements. */
  readonly Editor: Component<{ form: PollForm }>;
  /** What whoever may run an open or closed poll decides on its page, beside what is done with polls of every kind. */
  readonly Panel?: Component<{ desk: Desk; poll: P }>;
  /** The keys of that panel, and what each does. */
  readonly keys?: readonly (readonly [key: string, does: string])[];
  /** What leads, for a line in a list. */
  readonly Ahead: Component<{ poll: P }>;
  /**
   * What the poll asks about, one and a further one in words, and its sign and colour beside the field in
   * which it is written.
   */
  readonly noun: string;
  readonly one: string;
  sign(index: number): string;
  colour(index: number): string;
  /** The rule that only polls of this kind have: its name, and its words. */
  rule(poll: P): [name: string, words: string];
  /** The members that nobody but the owner is told before the close; null in a poll that has none. */
  readonly kept?: readonly (keyof P & string)[];
};

/** A kind that is given polls of its own kind only, which the compiler cannot know. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyKind = StudioKind<any>;

const KINDS: Record<Poll["kind"], AnyKind> = {
  single: choice,
  multiple: choice,
  rating,
  ranking,
  points,
  number,
  words,
};

/** Returns the studio's part of a poll's kind. */
export const inStudio = ({ kind }: { kind: Poll["kind"] }): AnyKind => KINDS[kind];

/** The keys of all kinds' panels, and what each does. */
export const PANEL_KEYS = [...new Set(Object.values(KINDS))].flatMap(({ keys }) => keys ?? []);
