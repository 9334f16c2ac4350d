// One voter's ballot in one poll: sent until it is answered, always under the same id.
//
// One ballot is under way at a time. A change of mind waits for the answer to the one before:
// that answer brings the cookie, without which two ballots would be two voters.

import { backOff, call, explain, hopeless, uuidv7 } from "./api.js";
import { recall, remember } from "./dom.js";

const LOOKS = 20;

export class Ballot {
  #poll; #changed; #retry; #busy = false; #tries = 0; #looks = 0;

  /**
   * What is known: {round, state, sent, wanted, answered, position, note, retryAt, last}.
   * `sent` is the ballot under its id, `wanted` the next choice, `last` the greatest id used.
   */
  now;

  /** `changed` is called after every change of `now`. */
  constructor(poll, changed) {
    this.#poll = poll;
    this.#changed = changed;
    this.now = recall(`ballot.${poll.id}`) ?? {};
  }

  /** Go on where the page was left: what was not answered is sent again. */
  resume() {
    this.round(this.#poll.round);
    addEventListener("online", () => this.#attempt());
    if (this.now.state === "sending" || this.now.state === "failed") this.#attempt();
    if (this.now.state === "recorded") this.#look();
  }

  /** The options last chosen. */
  get chosen() {
    return this.now.wanted ?? this.now.sent?.optionIds ?? [];
  }

  /** A new round begins from nothing. */
  round(round) {
    if (this.now.round === round) return;
    const again = this.now.round !== undefined;
    const last = this.now.sent?.ballotId ?? this.now.last;
    this.now = { round, last, state: again ? "again" : "none" };
    clearTimeout(this.#retry);
    this.#keep();
  }

  /** Vote for these options. */
  cast(optionIds) {
    this.now.wanted = optionIds;
    this.now.state = "sending";
    this.#keep();
    this.#attempt();
  }

  #keep() {
    remember(`ballot.${this.#poll.id}`, this.now);
    this.#changed();
  }

  async #attempt() {
    if (this.#busy || !["sending", "failed"].includes(this.now.state)) return;
    clearTimeout(this.#retry);
    // Unanswered ballots go again as they are; only then the next choice gets an id of its own.
    if (!this.now.sent || this.now.answered) {
      if (!this.now.wanted) return;
      const last = this.now.sent?.ballotId ?? this.now.last;
      this.now.sent = { ballotId: uuidv7(last), optionIds: this.now.wanted };
      this.now.answered = false;
      this.now.wanted = null;
      this.now.position = null;
      this.#tries = 0;
    }
    const { sent, round } = this.now;
    this.#busy = true;
    this.now.state = "sending";
    this.#keep();
    const answer = await call("POST", `/api/polls/${this.#poll.id}/vote?wait=counted`, { body: sent });
    this.#busy = false;
    if (this.now.round !== round) return this.#attempt();
    if (answer.data) this.#answered(answer.data);
    else if (hopeless(answer.status)) this.#refused(answer);
    else this.#failed(answer);
  }

  #answered(receipt) {
    this.now.answered = true;
    this.now.position = receipt.position;
    if (this.now.wanted) return this.#attempt();
    this.now.state = receipt.status;
    this.#looks = 0;
    this.#keep();
    if (receipt.status === "recorded") this.#look();
  }

  #refused(answer) {
    this.now.answered = true;
    this.now.last = this.now.sent.ballotId;
    this.now.sent = null;
    this.now.wanted = null;
    this.now.state = answer.status === 409 ? "late" : "wrong";
    this.now.note = explain(answer.problem);
    this.#keep();
  }

  #failed(answer) {
    const pause = Math.max(answer.retryAfter, backOff(++this.#tries), 500);
    this.now.state = "failed";
    this.now.note = explain(answer.problem);
    this.now.retryAt = Date.now() + pause;
    this.#retry = setTimeout(() => this.#attempt(), pause);
    this.#keep();
  }

  /** It is safe but was not decided while we waited: look again until it is. */
  #look() {
    if (++this.#looks > LOOKS) return;
    this.#retry = setTimeout(async () => {
      if (this.now.state !== "recorded") return;
      const { data } = await call("GET", this.page);
      if (this.now.state !== "recorded") return;
      if (data && data.status !== "recorded") {
        this.now.state = data.status;
        this.#keep();
      } else this.#look();
    }, 1_000 + 500 * this.#looks);
  }

  /** Where the receipt can be read. */
  get page() {
    const { partition, offset } = this.now.position ?? {};
    const at = offset == null ? "" : `?at=${partition}.${offset}`;
    return `/api/polls/${this.#poll.id}/ballots/${this.now.sent.ballotId}${at}`;
  }
}
