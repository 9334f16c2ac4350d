// One voter's ballot in one poll: sent until it is answered, always under the same id.
//
// One ballot is under way at a time. A change of mind waits for the answer to the one before: that answer
// brings the cookie, without which two ballots would be two voters. What is under way is kept on the device
// and read there before anything is sent, so two tabs of one phone are one voter as well.

import { hopeless, explain, type Answer } from "../api/call";
import { now } from "../api/clock";
import type { Poll, Position, Receipt } from "../api/generated";
import { castBallot, getBallot } from "../api/operations";
import { uuidv7 } from "../api/uuid";
import { backOff } from "../live/backoff";
import { forget, recall, remember } from "../ui/storage";

/** `none` and `again`: nothing in this round. The rest is what became of the last ballot. */
export type State = "none" | "again" | "sending" | "failed" | "recorded" | "counted" | "replaced"
  | "superseded" | "refused" | "late" | "wrong";

/** A ballot as it was sent, and what the server said of it. */
export type Sent = { ballotId: string; optionIds: number[]; at?: number; position?: Position | null; status?: string };

export type Kept = {
  round: number;
  state: State;
  /** The last ballot under its id, until it is refused. */
  sent: Sent | null;
  answered: boolean;
  /** The next choice; it goes out once `sent` is answered. */
  wanted: number[] | null;
  /** The ballot that counted last. */
  stands: Sent | null;
  /** The greatest id used. */
  last: string;
  /** Of a failure: the answer's status, and when the next try is. */
  failed?: { status: number; retryAt: number };
  /** Of a refusal: the server's words. */
  note?: string;
};

const NEW: Kept = { round: 0, state: "none", sent: null, answered: false, wanted: null, stands: null, last: "" };
const COUNTED = ["counted", "replaced", "superseded"];
/** Shortest pause before another try. */
const PAUSE = 500;
/** Longest that another tab is given to send what it has in hand: more than a request's patience. */
const OTHERS = 12_000;
/** Longest pause between two looks at what became of a ballot. */
const LOOK = 20_000;

let name: string | undefined;
/** Where cookies are refused the voter has a name, for as long as the page lives: else each change would be another voter. */
const voterName = () => (navigator.cookieEnabled ? undefined : (name ??= uuidv7()));

const same = (a: number[] | null | undefined, b: number[] | null | undefined) => a?.join() === b?.join();

export class Ballot {
  now = $state.raw<Kept>(NEW);

  /** Whether the poll takes voters by name. */
  named = false;

  #poll: string;
  #name: string;
  #busy = false;
  #tries = 0;
  #looks = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(poll: string) {
    this.#poll = poll;
    this.#name = `ballot.${poll}`;
    this.refresh();
  }

  /** Another tab may have gone on with it. */
  refresh() {
    const kept = recall<Kept>(this.#name);
    if (kept) this.now = { ...NEW, ...kept };
  }

  /** Another tab has gone on with it. Should that one be closed before it is through, this one takes over. */
  heard() {
    this.refresh();
    if (!this.pending || this.#busy) return;
    const due = Math.max(0, (this.now.failed?.retryAt ?? 0) - Date.now());
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#attempt(), due + OTHERS);
  }

  /** The options last chosen, as far as they may count. */
  get chosen(): number[] {
    const { wanted, sent, stands } = this.now;
    return wanted ?? (this.pending || this.stands ? sent : stands)?.optionIds ?? [];
  }

  /** It waits to be sent, or for an answer. */
  get pending(): boolean {
    return this.now.state === "sending" || this.now.state === "failed";
  }

  /** The last ballot is in, whether it is counted yet or not. */
  get stands(): boolean {
    return this.now.state === "recorded" || COUNTED.includes(this.now.state);
  }

  /** The ballot to show a receipt of. */
  get receipt(): Sent | null {
    const { sent, stands, answered, state } = this.now;
    return answered && this.stands ? sent : stands ?? (state === "refused" || state === "late" ? sent : null);
  }

  /** The poll is in this round: a new one begins from nothing. */
  round(round: number) {
    this.refresh();
    if (this.now.round >= round) return;
    const { round: before, sent, last, wanted } = this.now;
    // Whoever chose before the poll was known has chosen in this round.
    if (!before && (sent || wanted)) return this.#keep({ round });
    clearTimeout(this.#timer);
    this.now = { ...NEW, round, last: sent?.ballotId ?? last, state: before ? "again" : "none" };
    this.#keep({});
  }

  /** Vote for these options. */
  cast(optionIds: number[]) {
    this.refresh();
    if (this.pending && same(optionIds, this.chosen)) return;
    const { sent, answered } = this.now;
    const underWay = this.pending && !answered && same(sent?.optionIds, optionIds);
    this.#keep({ wanted: underWay ? null : optionIds, ...(this.pending ? {} : { state: "sending" }) });
    void this.#attempt();
  }

  /** Go on: what was not answered is sent again, what was not decided is looked at. */
  go() {
    this.refresh();
    if (this.pending) void this.#attempt();
    else if (this.now.state === "recorded") this.#look();
  }

  get #voter(): string | undefined {
    return this.named ? voterName() : undefined;
  }

  #keep(change: Partial<Kept>) {
    this.now = { ...this.now, ...change };
    // An older record must not come back in the place of what could not be written.
    if (!remember(this.#name, this.now)) forget(this.#name);
  }

  async #attempt() {
    if (this.#busy) return;
    clearTimeout(this.#timer);
    this.refresh();
    if (!this.pending || !this.#underWay()) return;
    const { ballotId, optionIds } = this.now.sent!;
    this.#busy = true;
    this.#keep({ failed: this.now.failed && { ...this.now.failed, retryAt: 0 } });
    const answer = await castBallot({
      path: { id: this.#poll }, query: { wait: "counted" }, body: { ballotId, optionIds, voterId: this.#voter }, outlives: true,
    });
    this.#busy = false;
    this.refresh();
    // Another tab has heard, or a new round has begun.
    if (this.now.sent?.ballotId !== ballotId || this.now.answered) return void this.#attempt();
    if (answer.ok) this.#answered(answer.data);
    else if (hopeless(answer.status)) this.#refused(answer);
    else this.#failed(answer);
  }

  /** Whether there is a ballot to send. One without an answer goes again as it is; only then the next choice gets an id. */
  #underWay(): boolean {
    const { sent, answered, wanted, last } = this.now;
    if (sent && !answered) return true;
    if (!wanted) return false;
    const ballotId = uuidv7(sent?.ballotId ?? last);
    this.#tries = 0;
    this.#keep({ sent: { ballotId, optionIds: wanted }, answered: false, wanted: null, state: "sending" });
    return true;
  }

  #answered({ status, position }: Receipt) {
    const sent = { ...this.now.sent!, at: now(), position, status };
    const stands = COUNTED.includes(status) ? sent : this.now.stands;
    // An id that is refused counts for nothing: it may have come from a clock that was wrong.
    this.#keep({ sent, stands, last: sent.ballotId, answered: true, failed: undefined, state: this.now.wanted ? "sending" : status as State });
    this.#looks = 0;
    if (this.now.wanted) void this.#attempt();
    else if (status === "recorded") this.#look();
  }

  #refused(answer: Answer<unknown> & { ok: false }) {
    this.#keep({
      sent: null, wanted: null, answered: false, failed: undefined,
      state: answer.status === 409 ? "late" : "wrong", note: explain(answer.problem),
    });
  }

  #failed({ status, retryAfter }: Answer<unknown> & { ok: false }) {
    const pause = Math.max(retryAfter, backOff(++this.#tries), PAUSE);
    this.#keep({ state: "failed", failed: { status, retryAt: Date.now() + pause } });
    this.#timer = setTimeout(() => void this.#attempt(), pause);
  }

  /** It is safe but was not decided while we waited: look again until it is. */
  #look() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      await this.check();
      if (this.now.state === "recorded") this.#look();
    }, Math.min(LOOK, 1_000 * 1.5 ** this.#looks++));
  }

  /** Ask what became of the ballot that the receipt is for. */
  async check() {
    const asked = this.receipt;
    if (!asked) return;
    const { partition, offset } = asked.position ?? {};
    const at = offset == null ? undefined : `${partition}.${offset}`;
    const answer = await getBallot({ path: { id: this.#poll, ballotId: asked.ballotId }, query: { at, voterId: this.#voter } });
    if (!answer.ok) return;
    this.refresh();
    const { status, position } = answer.data;
    const told = { ...asked, status, position: position ?? asked.position };
    if (this.now.sent?.ballotId === asked.ballotId) {
      const decided = this.stands ? { state: status as State } : {};
      this.#keep({ sent: told, ...(COUNTED.includes(status) ? { stands: told } : {}), ...decided });
    } else if (this.now.stands?.ballotId === asked.ballotId) this.#keep({ stands: told });
  }
}

/** Whether a poll takes a vote of this voter now: one that came too late does not count, should the poll reopen. */
export const takesVotes = (poll: Poll, { now }: Ballot): boolean =>
  poll.status === "open"
    && (poll.revote !== "refuse" || ["none", "again", "wrong"].includes(now.state) || (now.state === "late" && !now.stands));
