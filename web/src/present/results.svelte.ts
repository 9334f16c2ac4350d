// Decides what a poll's figures look like to the room: shown or hidden, in which order, and who has won. The
// stage shows what everybody may see, even where the organiser's token would show more.

import type { Poll } from "../api/generated";
import { arrange, keep, leaders } from "./arrange";
import { slotsOf, textsOf } from "../kinds/kind";
import { onStage } from "../kinds/on-stage";
import { counted, share } from "../ui/numbers";

/** How long bars grow after a reveal before they are sorted, in milliseconds. */
const UNVEILING = 1_400;

type Sources = {
  poll: () => Poll;
  /** The figures of another time, while the vote is replayed. */
  again?: () => { votes: readonly number[]; voters: number } | null;
};

/** Prepares the figures of one poll for the room. */
export class Results {
  /** The number of rows that fit, set by the component that draws them. */
  room = $state(Infinity);

  #sources: Sources;
  #unveiling = $state(false);
  #key = "";
  #order: number[] = [];
  #wasSeen: { id: string; seen: boolean } | null = null;

  constructor(sources: Sources) {
    this.#sources = sources;
    $effect(() => this.#watchReveal());
  }

  readonly poll = $derived.by(() => this.#sources.poll());
  readonly #again = $derived.by(() => this.#sources.again?.() ?? null);

  /** Whether a replay is shown, with figures of another time. */
  readonly again = $derived.by(() => this.#again !== null);
  /** Whether the room may see figures. */
  readonly seen = $derived.by(() => this.poll.revealed && this.poll.totalVotes !== null);
  /** How many have voted, if the room may see that. */
  readonly told = $derived.by(() => (this.seen || this.poll.turnout === "shown" ? this.poll.totalVoters : null));
  readonly voters = $derived.by(() => this.#again?.voters ?? this.told);
  /** How many have voted, while that is all that is shown. */
  readonly turnout = $derived.by(() => (this.seen || this.again ? null : this.told));
  /** The votes slot by slot. */
  readonly votes = $derived.by(
    (): readonly number[] | null => this.#again?.votes ?? (this.seen ? slotsOf(this.poll) : null),
  );
  /** How many have taken part, in words, as far as the room may see it. */
  readonly total = $derived.by(() => {
    if (this.voters === null) return "Results are hidden";
    if (!this.seen) return counted(this.voters, "has voted", "have voted");
    return onStage(this.poll).total(this.poll, this.votes!, this.voters);
  });
  /**
   * What puts the rows in order, a number for each; null for a kind without a winner, so that the organiser's
   * order stays.
   */
  readonly scores = $derived.by(() => this.votes && onStage(this.poll).scores(this.poll, this.votes));

  /** The winners, once the result is final. */
  readonly winners = $derived.by(() => (this.poll.final && !this.#again ? leaders(this.scores) : []));

  /** The rows that are shown, in their order; the same list until that changes. */
  readonly order = $derived.by(() => {
    const { id, round, results, final } = this.poll;
    const count = textsOf(this.poll).length,
      room = Math.min(count, this.room);
    const crowded = room < count;
    const sorted = this.seen && !this.#unveiling && (results !== "live" || (crowded && final));
    const key = [id, round, room, this.seen, sorted, final].join();
    this.#order =
      key === this.#key ? keep(this.#order, this.scores) : arrange({ votes: this.scores, count, room, sorted });
    this.#key = key;
    return this.#order;
  });

  /** The rows that are not shown, with what they have together. */
  readonly others = $derived.by(() => {
    const count = textsOf(this.poll).length - this.order.length,
      votes = this.scores;
    if (!count) return null;
    if (!votes) return { count, votes: null };
    const shown = new Set(this.order);
    return { count, votes: votes.reduce((sum, votes, i) => (shown.has(i) ? sum : sum + votes), 0) };
  });

  /** Returns how much of its track a bar fills. */
  share(votes: number | null | undefined): number {
    return share(votes, this.voters);
  }

  /** Watches for a reveal in front of the room: first the bars grow where they are, then they are sorted. */
  #watchReveal() {
    const now = { id: this.poll.id, seen: this.seen };
    const before = this.#wasSeen;
    this.#wasSeen = now;
    if (!now.seen || before?.id !== now.id || before.seen) return;
    this.#unveiling = true;
    setTimeout(() => {
      this.#unveiling = false;
    }, UNVEILING);
  }
}
