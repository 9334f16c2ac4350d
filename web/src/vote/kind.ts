// Declares what the phone asks of a poll's kind. Each kind answers from a folder of its own,
// `src/kinds/<kind>/ballot.ts`.

import type { Component } from "svelte";
import type { Poll } from "../api/generated";
import type { Voting } from "./voting.svelte";

/** A `Mark` is one thing that a voter marked or wrote. */
export type Mark = number | string;
/** `Answer` is what a voter marked, as the poll's kind defines it; null is a mark that was left out. */
export type Answer<M extends Mark = number> = (M | null)[];
/**
 * The members of a request in which an answer is sent. The first is that of a choice, by which alone nodes and
 * pages of an older release know it.
 */
export const MEMBERS = ["optionIds", "answer"] as const;
export type Member = (typeof MEMBERS)[number];
/** The member of what does not say which it has. */
export const [USUAL] = MEMBERS;

/** A `BallotKind` is a kind's part for the phone. */
export type BallotKind<P extends Poll = Poll, M extends Mark = number> = {
  readonly member: Member;
  /** Whether an answer is a single mark, which is sent without a list around it. */
  readonly alone?: true;
  /** The style of the ballot paper, in one rule; it comes with the kind's script. */
  readonly style: string;
  /** Returns what the ballot paper says: marks that were set on one paper mean nothing on another. */
  printed(poll: P): unknown;
  /** The ballot paper, with the numbers so far. */
  readonly Ballot: Component<{ voting: Voting<P, M> }>;
  /**
   * Whether a field that is marked as invalid keeps the answer from being sent: then the button leads to that field.
   * Without this member none does.
   */
  faulty?(voting: Voting<P, M>): boolean;
  /**
   * Returns what a voter with so many marks is told before they are sent; `changing` says that something has
   * just been marked.
   */
  choosing(poll: P, marked: number, changing: boolean): string;
  /** Returns the words on the button that sends what was marked. */
  sends(voting: Voting<P, M>): string;
  /** Returns what the server found wrong with the answer; "" where the server's own words say it. */
  refusal?(voting: Voting<P, M>): string;
  /** Returns what stands out in the numbers, in a sentence; "" while nobody has voted. */
  lead(poll: P): string;
  /** The numbers once more, as a table. */
  readonly Table: Component<{ poll: P }>;
  /** Returns what the receipt calls an answer. */
  yours(poll: P): string;
  /** Returns an answer, a line for each mark. */
  lines(poll: P, answer: Answer<M>): string[];
};

/** Whether a single tap is a whole answer. Otherwise an answer is marked first, and sent by a button. */
export const oneTap = (poll: Poll): boolean => poll.kind === "single";
