// Keeps what is marked and what is sent in one poll.

import type { Poll } from "../api/generated";
import { takesVotes, type Ballot } from "./ballot.svelte";
import { oneTap, type Answer, type BallotKind } from "./kind";

/** Joins a voter's marks and ballot in one poll. */
export class Voting<P extends Poll = Poll> {
  #poll: () => P;
  readonly kind: BallotKind<P>;
  readonly ballot: Ballot;

  readonly poll = $derived.by(() => this.#poll());
  readonly paper = $derived.by(() => JSON.stringify(this.kind.printed(this.poll)));
  /**
   * Whether a tap marks and a button sends: where a tap is not a whole answer, and where no vote can be taken
   * back.
   */
  readonly twoSteps = $derived(!oneTap(this.poll) || this.poll.revote === "refuse");
  #page = $derived(`${this.poll.round} ${this.paper}`);
  /**
   * What is marked and not sent; or what was sent too late, when the poll has moved on since and may be open
   * again.
   */
  #draft = $derived.by(() => {
    const { draft, now } = this.ballot;
    return draft.on(this.#page) ?? (now.state === "late" ? draft.sentBefore(this.poll.phase ?? 0, this.#page) : null);
  });
  /** Whether a vote would be taken now. */
  readonly open = $derived.by(() => takesVotes(this.poll, this.ballot));
  readonly picked: Answer = $derived.by(() => (this.open && this.#draft) || this.ballot.chosen);
  /** The number of marks. */
  readonly marked = $derived(this.picked.filter((mark) => mark !== null).length);
  /** Whether something else is marked than was sent. */
  readonly changing = $derived.by(() => this.#draft !== null && this.picked.join() !== this.ballot.chosen.join());

  constructor(kind: BallotKind<P>, poll: () => P, ballot: Ballot) {
    this.kind = kind;
    this.#poll = poll;
    this.ballot = ballot;
  }

  /**
   * Marks this from now on, or nothing if it is empty. With `send` it is sent at once, unless sending takes a
   * second step.
   */
  mark(answer: Answer, send: boolean) {
    this.ballot.draft.mark(this.#page, answer);
    if (send && !this.twoSteps) this.cast();
  }

  /** Sends what is marked. While nothing can be sent the marks stay. */
  cast() {
    const answer = this.#draft;
    if (!this.open || !answer?.length) return;
    this.ballot.draft.send(this.poll.phase ?? 0);
    this.ballot.cast(answer, this.kind.member, this.kind.alone);
  }
}
