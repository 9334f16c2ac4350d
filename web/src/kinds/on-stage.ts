// What the stage asks of a poll's kind. Each kind answers from a folder of its own, `<kind>/on-stage.ts`.

import type { Component } from "svelte";
import type { Poll } from "../api/generated";
import type { Plan } from "../present/fit";
import type { Results } from "../present/results.svelte";
import choice from "./choice/on-stage";
import rating from "./rating/on-stage";

/** Figures as the room may see them: slot by slot, and of how many people; null where nobody may know. */
export type Seen<P extends Poll> = { poll: P; votes: readonly number[] | null; voters: number | null };
/** An area in units of the stage, whether its columns are upright, and how texts fit into one of these measures. */
export type Place = { width: number; height: number; upright: boolean; fits: (width: number, height: number) => Plan };

export type StageKind<P extends Poll = Poll> = {
  /** The results, a row for each of what is asked about. */
  readonly Rows: Component<Place & { results: Results; poll: P }>;
  /** What came out. */
  readonly Outcome: Component<{ results: Results; poll: P }>;
  /** The results as a table, for those who listen. */
  readonly Table: Component<Seen<P>>;
  /** Whether its rows may be columns. */
  readonly upright: boolean;
  /** Whether votes put its rows in an order, so that somebody wins. */
  readonly ranked: boolean;
  /** How many have taken part, while figures are shown. */
  total(poll: P, votes: readonly number[], voters: number): string;
  /** What stands out, in a sentence or a few; "" while nothing does. */
  lead(poll: P, votes: readonly number[], voters: number): string;
};

/** Whoever has a poll takes its own kind, which the compiler cannot know. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyKind = StageKind<any>;

const KINDS: Record<Poll["kind"], AnyKind> = {
  single: choice,
  multiple: choice,
  rating,
};

export const onStage = (poll: Poll): AnyKind => KINDS[poll.kind];
