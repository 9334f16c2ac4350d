// Keeps what is marked and what is sent in one poll.

import type { Poll } from "../api/generated";
import { same, takesVotes, type Ballot } from "./ballot.svelte";
import { oneTap, type Answer, type BallotKind, type Mark } from "./kind";

/** Joins a voter's marks and ballot in one poll. */
export class Voting<P extends Poll = Poll, M extends Mark = number> {
  #poll: () => P;
  readonly kind: BallotKind<P, M>;
  readonly ballot: Ballot<M>;

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
   * again; or what the server refused, which can be put right.
   */
  #draft = $derived.by(() => {
    const { draft, now } = this.ballot;
    const [page, phase] = [this.#page, this.returned ? Infinity : (this.poll.phase ?? 0)];
    const sent = this.returned || now.state === "late" ? draft.sentBefore(phase, page) : null;
    return (draft.on(page) ?? sent) as Answer<M> | null;
  });
  /** Whether the server found something wrong with the answer that was sent, and nothing else is marked yet. */
  readonly returned = $derived.by(() => {
    const { draft, now } = this.ballot;
    const about = now.state === "wrong" && now.wrong?.some((pointer) => pointer.startsWith("/answer"));
    return !!about && !draft.on(this.#page);
  });
  /** Whether a vote would be taken now. */
  readonly open = $derived.by(() => takesVotes(this.poll, this.ballot));
  readonly picked: Answer<M> = $derived.by(() => (this.open && this.#draft) || this.ballot.chosen);
  /** The number of marks. */
  readonly marked = $derived(this.picked.filter((mark) => mark !== null).length);
  /** Whether there is a faulty field, to which the button leads instead of sending. */
  readonly faulty = $derived.by(() => this.open && !!this.kind.faulty?.(this));
  /** Whether something else is marked than was sent, and can be sent. */
  readonly changing = $derived.by(
    () => this.#draft !== null && !this.returned && !this.faulty && !same(this.picked, this.ballot.chosen),
  );

  constructor(kind: BallotKind<P, M>, poll: () => P, ballot: Ballot<M>) {
    this.kind = kind;
    this.#poll = poll;
    this.ballot = ballot;
  }

  /**
   * Marks this from now on, or nothing if it is empty. With `send` it is sent at once, unless sending takes a
   * second step.
   */
  mark(answer: Answer<M>, send: boolean) {
    const { draft, now, chosen } = this.ballot;
    draft.mark(this.#page, answer);
    if (send && !this.twoSteps) this.cast();
    // What was sent just so is no mark any more: it would stand above a later answer of another page. After a refusal
    // it is one, since without a mark what was refused is shown.
    else if (now.state !== "wrong" && same(answer, chosen)) draft.send(this.poll.phase ?? 0);
  }

  /** Sends what is marked. While nothing can be sent the marks stay. */
  cast() {
    const answer = this.#draft;
    if (!this.open || !answer?.length) return;
    this.ballot.draft.send(this.poll.phase ?? 0);
    this.ballot.cast(answer, this.kind.member, this.kind.alone);
  }
}
