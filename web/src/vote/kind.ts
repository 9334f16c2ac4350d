// What the phone asks of a poll's kind. Each kind answers from a folder of its own, `src/kinds/<kind>/ballot.ts`.

import type { Component } from "svelte";
import type { Poll } from "../api/generated";
import type { Voting } from "./voting.svelte";

/** What a voter marked. Of a choice the options' ids; of a rating a step for each statement, or null to skip it. */
export type Answer = (number | null)[];
/** The member of a request that an answer is sent in: nodes of an older release know choices by their own alone. */
export type Member = "optionIds" | "answer";

export type BallotKind<P extends Poll = Poll> = {
  readonly member: Member;
  /** What the ballot paper says: marks that were set on one mean nothing on another. */
  printed(poll: P): unknown;
  /** The ballot paper, with the numbers so far. */
  readonly Ballot: Component<{ voting: Voting<P> }>;
  /** What whoever has so many marks is told before they are sent; `changing`: and has just marked something. */
  choosing(poll: P, marked: number, changing: boolean): string;
  /** The words on the button that sends what was marked. */
  sends(voting: Voting<P>): string;
  /** Whatever stands out in the numbers, in a sentence; "" while nobody has voted. */
  lead(poll: P): string;
  /** The numbers once more, as a table. */
  readonly Table: Component<{ poll: P }>;
  /** What the receipt calls an answer. */
  yours(poll: P): string;
  /** An answer, a line for each mark. */
  lines(poll: P, answer: Answer): string[];
};

/** Whether a single tap is a whole answer. Everything else is marked first, and sent by a button. */
export const oneTap = (poll: Poll): boolean => poll.kind === "single";
