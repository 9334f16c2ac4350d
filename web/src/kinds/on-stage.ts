// Declares what the stage asks of a poll's kind. Each kind answers from a folder of its own,
// `<kind>/on-stage.ts`.

import type { Component } from "svelte";
import type { Poll } from "../api/generated";
import type { Plan } from "../present/fit";
import type { Results } from "../present/results.svelte";
import choice from "./choice/on-stage";
import number from "./number/on-stage";
import points from "./points/on-stage";
import ranking from "./ranking/on-stage";
import rating from "./rating/on-stage";
import words from "./words/on-stage";

/**
 * `Seen` holds the figures as the room may see them: slot by slot, and the number of voters; null where they
 * are hidden.
 */
export type Seen<P extends Poll> = { poll: P; votes: readonly number[] | null; voters: number | null };
/**
 * `Place` says where the rows are: its size in units of the stage, whether the layout is columns, and how
 * texts fit into one of these measures. Where the page is `flowing`, the place is as high as what is in it. The outcome
 * is `told` where a panel beside the rows will say it. Results are `listed` where somebody has asked for a list.
 */
export type Place = {
  width: number;
  height: number;
  upright: boolean;
  fits: (width: number, height: number) => Plan;
  flowing?: boolean;
  told?: boolean;
  listed?: boolean;
};

/** A `Bar` says how much of its track a bar fills, and has the figures beside it, of which the first is strong. */
export type Bar = { share: number; figures: readonly [string, string] };

/** A `StageKind` is a kind's part for the stage. */
export type StageKind<P extends Poll = Poll> = {
  /** The results, with a row for each option or statement. */
  readonly Rows: Component<Place & { results: Results; poll: P }>;
  /** The outcome. */
  readonly Outcome: Component<{ results: Results; poll: P }>;
  /** The results as a table, for screen readers. */
  readonly Table: Component<Seen<P>>;
  /** Whether rows may be shown as columns. */
  readonly upright: boolean;
  /** Whether the results may be shown as a list as well. */
  readonly lists?: boolean;
  /** Whether nothing stands where the turnout does while results are hidden, so that it may be in the middle. */
  readonly central?: boolean;
  /** Why the vote cannot be shown again, where that is so. */
  readonly unreplayed?: string;
  /** Returns a number for each row that puts the rows in order, best first; null where nothing wins. */
  scores(poll: P, votes: readonly number[]): readonly number[] | null;
  /** Returns how many have taken part, in words, while figures are shown. */
  total(poll: P, votes: readonly number[], voters: number): string;
  /** Returns what stands out, in a sentence or a few; "" while nothing does. */
  lead(poll: P, votes: readonly number[], voters: number): string;
};

/** A kind that is given polls of its own kind only, which the compiler cannot know. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyKind = StageKind<any>;

const KINDS: Record<Poll["kind"], AnyKind> = {
  single: choice,
  multiple: choice,
  rating,
  ranking,
  points,
  number,
  words,
};

/** Returns the stage's part of a poll's kind. */
export const onStage = (poll: Poll): AnyKind => KINDS[poll.kind];
