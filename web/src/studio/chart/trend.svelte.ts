// Keeps the course of a poll: what the server kept of it, and from then on what is seen live.

import { now } from "../../api/clock";
import { getTrend } from "../../api/operations";
import type { Poll } from "../../api/generated";
import { slotsOf } from "../../kinds/kind";
import { append, filled, pointOf, type Point } from "./series";

/** A first point this many milliseconds after the poll was made is taken for its beginning. */
const BEGINNING = 60_000;

/** Keeps the course of one poll. */
export class Trend {
  points = $state.raw<readonly Point[]>([]);
  loaded = $state(false);

  #id: string;
  #token: () => string | null;
  #step = 1_000;
  #round = 0;
  #last: Poll | null = null;
  #closed = false;

  constructor(id: string, token: () => string | null) {
    this.#id = id;
    this.#token = token;
  }

  close() {
    this.#closed = true;
  }

  take(poll: Poll) {
    if (poll.totalVotes === null || poll.totalVoters === null) return;
    if (poll.round !== this.#round) {
      this.#round = poll.round;
      this.points = [];
      void this.#load();
    }
    const before = this.#last;
    this.#last = poll;
    const point = { at: now(), voters: poll.totalVoters, votes: slotsOf(poll) };
    const still = this.points.at(-1);
    if (before?.version === poll.version && still) return;
    this.points = append(this.points, point, this.#step);
  }

  /** Lets time go on though nobody votes. */
  tick() {
    const last = this.points.at(-1);
    if (last && this.#last?.status === "open") this.points = append(this.points, { ...last, at: now() }, this.#step);
  }

  async #load() {
    const answer = await getTrend({ path: { id: this.#id }, token: this.#token() });
    this.loaded = true;
    if (!answer.ok || this.#closed || !answer.data.points?.length) return;
    this.#step = answer.data.stepMs;
    const kept = answer.data.points.map(pointOf);
    // Nobody had voted when the poll was made. A poll that this node met later tells nothing of the time
    // between.
    const made = Date.parse(this.#last!.createdAt),
      first = kept[0]!;
    if (this.#round === 1 && first.at - made < BEGINNING)
      kept.unshift({ ...first, at: Math.min(made, first.at - 1), voters: 0, votes: first.votes.map(() => 0) });
    const live = this.points.filter((point) => point.at > kept.at(-1)!.at);
    this.points = [...filled(kept, this.#step), ...live];
  }
}
