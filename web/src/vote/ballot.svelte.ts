// One voter's ballot in one poll: sent until it is answered, always under the same id.
//
// One ballot is under way at a time. A change of mind waits for the answer to the one before: that answer
// brings the cookie, without which two ballots would be two voters. What is under way is kept on the device
// and read there before anything is sent, so two tabs of one phone are one voter as well.
//
// No clock costs a vote. A server whose clock was set back refuses an id as one of its future, if it has not taken that
// ballot: it goes on under an id of the time that the server has told.

import { hopeless, explain, type Refusal } from "../api/call";
import { doubtful, heardTime, now } from "../api/clock";
import type { Poll, Position, Receipt } from "../api/generated";
import { castBallot, getBallot, getPoll } from "../api/operations";
import { madeAt, uuidv7 } from "../api/uuid";
import { backOff } from "../live/backoff";
import { forget, recall, remember } from "../ui/storage";
import { Draft } from "./draft.svelte";
import type { Answer, Member } from "./kind";

/**
 * `none` and `again`: nothing in this round. The rest is what became of the last ballot. Of one that does not count
 * because a newer one does, `replaced` says that the newer one is this device's, `superseded` that it is not.
 */
export type State =
  | "none"
  | "again"
  | "sending"
  | "failed"
  | "recorded"
  | "counted"
  | "replaced"
  | "superseded"
  | "refused"
  | "late"
  | "wrong";

/** A ballot as it was sent, its answer in the member that it has in a request, and what the server said of it. */
export type Sent = {
  ballotId: string;
  optionIds?: Answer;
  answer?: Answer;
  at?: number;
  position?: Position | null;
  status?: string;
  /** It is sent without its id: the server gives it another one, with the answer. */
  unnamed?: boolean;
};

export type Kept = {
  round: number;
  state: State;
  /** The last ballot under its id, until it is refused. */
  sent: Sent | null;
  answered: boolean;
  /** The next answer; it goes out once `sent` is answered. */
  wanted: Answer | null;
  /** The member of the request that answers to this poll are sent in, if it is not that of a choice. */
  member?: Member;
  /** How many tries of `sent` have had no clear answer: any of them may have been taken. */
  unclear: number;
  /** The ballot that counted last. */
  stands: Sent | null;
  /** The greatest id that the server has taken of this voter, as far as is known here. */
  last: string;
  /** Where no cookie is kept: what the server told this voter to be known by, in this poll. */
  voter?: string;
  /** Of a failure: the answer's status, and the milliseconds until the next try. */
  failed?: { status: number; pause: number };
  /** Of a refusal: the server's words. */
  note?: string;
};

const NEW: Kept = {
  round: 0,
  state: "none",
  sent: null,
  answered: false,
  unclear: 0,
  wanted: null,
  stands: null,
  last: "",
};
/** The answers which say that a ballot was not taken, and may be sent again. */
export const NOT_TAKEN = [429, 503];
/** Shortest pause before another try, and longest. */
const PAUSE = 500,
  LONGEST_PAUSE = 60_000;
/** The status of a failure that is the clocks' fault. */
export const CLOCKS = 422;
/** How long nothing must be known of a ballot until it counts as never taken: more than a server takes to decide. */
const UNKNOWN_FOR = 20_000;
/** Longest that another tab is given to send what it has in hand: more than a request's patience. */
const OTHERS = 12_000;
/** Longest pause between two looks at what became of a ballot. */
const LOOK = 20_000;

let name: string | undefined;
/** Where cookies are refused the voter has a name, for as long as the page lives: else each change would be another voter. */
const voterName = () => (navigator.cookieEnabled ? undefined : (name ??= uuidv7()));

const same = (a: Answer, b: Answer) => a.join() === b.join();
const newest = (...ids: (string | null | undefined)[]) => ids.reduce<string>((a, b) => (b && b > a ? b : a), "");
/** Whether a ballot was refused for this member of it. */
const isFor = ({ status, problem }: Refusal, member: string) =>
  status === 422 && !!problem.errors?.some(({ pointer }) => pointer === `/${member}`);
/** The server's time, in its words of an id that is ahead of it; NaN without any. Its `Date` may be another clock's. */
const timeTold = ({ problem }: Refusal, id: string) =>
  madeAt(id) - 1_000 * Number(/(\d+) s ahead/.exec(explain(problem))?.[1]);
/** What a ballot says. */
export const answerOf = (sent: Sent | null): Answer => sent?.answer ?? sent?.optionIds ?? [];

export class Ballot {
  now = $state.raw<Kept>(NEW);
  /** Whether the server takes no `round`. */
  #plain = false;
  /** When the next try is, by `performance.now()`: nobody sets that clock. */
  retryAt = $state(0);
  readonly draft: Draft;

  /** Whether the poll takes voters by name. */
  named = false;

  #poll: string;
  #name: string;
  #busy = false;
  #tries = 0;
  /** How often in a row the ballot was named anew. */
  #namings = 0;
  /** Since when it is refused as from the future though it may have been taken before, by `performance.now()`. */
  #unknownSince = 0;
  #looks = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(poll: string) {
    this.#poll = poll;
    this.#name = `ballot.${poll}`;
    this.draft = new Draft(poll);
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
    this.#later(this.now.failed?.pause ?? 0, OTHERS);
  }

  /** What was last answered, as far as it may count. */
  get chosen(): Answer {
    const { wanted, sent, stands } = this.now;
    return wanted ?? answerOf(this.pending || this.isIn ? sent : stands);
  }

  /** It waits to be sent, or for an answer. */
  get pending(): boolean {
    return this.now.state === "sending" || this.now.state === "failed";
  }

  /** The last ballot is in, whether it is counted yet or not. */
  get isIn(): boolean {
    return this.now.state === "recorded" || this.now.state === "counted";
  }

  /** A ballot of this voter is in, even if it is not the last one. */
  get voted(): boolean {
    return this.isIn || this.now.state === "replaced" || this.now.state === "superseded";
  }

  /** The ballot to show a receipt of. */
  get receipt(): Sent | null {
    const { sent, stands, answered, state } = this.now;
    return answered && this.isIn ? sent : (stands ?? (["superseded", "refused", "late"].includes(state) ? sent : null));
  }

  /** The poll is in this round: a new one begins from nothing. */
  round(round: number) {
    this.refresh();
    if (this.now.round >= round) return;
    const { round: before, sent, last, wanted, voter } = this.now;
    // Whoever chose before the poll was known has chosen in this round.
    if (!before && (sent || wanted)) return this.#keep({ round });
    clearTimeout(this.#timer);
    this.now = { ...NEW, round, voter, last: newest(last, sent?.ballotId), state: before ? "again" : "none" };
    this.#keep({});
  }

  /** Vote with this answer. */
  cast(answer: Answer, member: Member = "optionIds") {
    this.refresh();
    const { sent, answered, failed } = this.now;
    if (this.pending && same(answer, this.chosen)) {
      // Somebody who taps again does not want to wait; a server that is busy does.
      if (failed && !NOT_TAKEN.includes(failed.status)) void this.#attempt();
      return;
    }
    const underWay = this.pending && !answered && same(answerOf(sent), answer);
    this.#keep({ member, wanted: underWay ? null : answer, ...(this.pending ? {} : { state: "sending" }) });
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

  /** Try again in so many milliseconds, or some more when it is another tab's turn. */
  #later(pause: number, more = 0) {
    this.retryAt = performance.now() + pause;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#attempt(), pause + more);
  }

  async #attempt() {
    if (this.#busy) return;
    clearTimeout(this.#timer);
    this.retryAt = 0;
    this.refresh();
    if (!this.pending) return;
    if (this.#unnamed && doubtful() && !(await this.#askTheTime())) return;
    if (!this.#underWay()) return;
    const { sent, failed, unclear, voter, member = "optionIds" } = this.now;
    const round = (!this.#plain && this.now.round) || undefined;
    const { ballotId, unnamed } = sent!;
    this.#busy = true;
    this.#keep({ unclear: unclear + 1, failed: failed && { ...failed, pause: 0 } });
    const answer = await castBallot({
      path: { id: this.#poll },
      query: { wait: "counted" },
      headers: { Prefer: "wait=8" },
      outlives: true,
      body: { ballotId: unnamed ? undefined : ballotId, [member]: answerOf(sent), voterId: this.#voter, voter, round },
    });
    this.#busy = false;
    this.refresh();
    // Another tab has heard, or a new round has begun.
    if (this.#isOver(ballotId)) return void this.#attempt();
    if (!answer.ok) this.#refused(answer);
    else if (answer.data.ballotId === ballotId || unnamed) this.#answered(answer.data);
    else this.#failed();
  }

  #isOver(ballotId: string): boolean {
    return this.now.sent?.ballotId !== ballotId || this.now.answered;
  }

  /** A new id is made by the server's clock. Where that is in doubt any answer of the server's tells it. */
  async #askTheTime(): Promise<boolean> {
    this.#busy = true;
    const { status } = await getPoll({ path: { id: this.#poll } });
    this.#busy = false;
    this.refresh();
    if (this.pending && !status) this.#failed();
    return this.pending && status > 0;
  }

  get #unnamed(): boolean {
    return !this.now.sent || this.now.answered;
  }

  /** Whether there is a ballot to send. One without an answer goes again as it is; only then the next answer gets an id. */
  #underWay(): boolean {
    if (!this.#unnamed) return true;
    const { wanted, last, member = "optionIds" } = this.now;
    if (!wanted) return false;
    this.#tries = this.#namings = this.#unknownSince = 0;
    this.#keep({
      sent: { ballotId: uuidv7(last), [member]: wanted },
      answered: false,
      unclear: 0,
      wanted: null,
      state: "sending",
    });
    return true;
  }

  #answered(fate: Receipt) {
    const { sent, wanted } = this.now;
    const decided = this.#decided({ ...sent!, ballotId: fate.ballotId, unnamed: undefined, at: now() }, fate);
    this.#keep({
      ...decided,
      voter: fate.voter ?? this.now.voter,
      answered: true,
      failed: undefined,
      ...(wanted && { state: "sending" }),
    });
    this.#looks = 0;
    if (wanted) void this.#attempt();
    else if (decided.state === "recorded") this.#look();
  }

  /** What is so since the server has said what became of a ballot of this device. */
  #decided(ballot: Sent, { status, position, supersededBy }: Receipt) {
    const { stands, last } = this.now;
    const sent = { ...ballot, status, position: position ?? ballot.position };
    const known = { sent, last: newest(last, ballot.ballotId, supersededBy) };
    if (status !== "replaced" && status !== "superseded") {
      return { ...known, state: status as State, stands: status === "counted" ? sent : stands };
    }
    // Of two of this device the newer one has the greater id; what came from elsewhere is not known here.
    const ours =
      stands !== null && (supersededBy ? supersededBy === stands.ballotId : stands.ballotId > ballot.ballotId);
    return ours
      ? { ...known, state: "replaced" as State, stands }
      : { ...known, state: "superseded" as State, stands: null };
  }

  #refused(answer: Refusal) {
    const { status, problem, retryAfter } = answer;
    const final = hopeless(status);
    if (final || NOT_TAKEN.includes(status)) this.#keep({ unclear: this.now.unclear - 1 });
    if (!final) return this.#failed(status, retryAfter);
    // A node of an older Pollux knows no rounds; another installation knows no voter of ours.
    if (isFor(answer, "round") && !this.#plain) {
      this.#plain = true;
      return this.#failed();
    }
    if (isFor(answer, "voter") && this.now.voter) {
      this.#keep({ voter: undefined });
      return this.#failed();
    }
    if (isFor(answer, "ballotId")) return void this.#isAhead(answer);
    // An id that is refused counts for nothing: it may have come from a clock that was wrong.
    this.#keep({
      sent: null,
      wanted: null,
      answered: false,
      failed: undefined,
      state: status === 409 ? "late" : "wrong",
      note: explain(problem),
    });
  }

  /** The ballot's id is from the server's future, so this try of it was not taken. */
  async #isAhead(answer: Refusal) {
    const { sent, unclear, stands } = this.now;
    const told = timeTold(answer, sent!.ballotId);
    // Whoever has no vote yet may be known by this id alone. Had an earlier try of it been taken, another id would be
    // another voter's.
    if (unclear > 0 && !stands && !(await this.#isUnknown(sent!.ballotId))) return;
    heardTime(told);
    this.#nameAnew(!told);
  }

  /** Whether the server knows nothing of this ballot, and had the time to decide it. If not, it goes on here. */
  async #isUnknown(ballotId: string): Promise<boolean> {
    if (!this.#unknownSince) [this.#unknownSince, this.#tries] = [performance.now(), 0];
    this.#busy = true;
    const answer = await this.#ask(ballotId);
    this.#busy = false;
    this.refresh();
    if (this.#isOver(ballotId)) void this.#attempt();
    else if (answer.ok && answer.data.ballotId === ballotId) this.#answered(answer.data);
    else if (answer.status === 404 && performance.now() - this.#unknownSince >= UNKNOWN_FOR) return true;
    else this.#failed(CLOCKS);
    return false;
  }

  /**
   * Under an id of the server's time. If that is refused again, and the time could only be `guessed`, the server names
   * the ballot, where the voter is known by something else than the id: sent twice, the second would take the place of
   * the first. Everybody else goes on naming it: no vote is given up for a clock's sake.
   */
  #nameAnew(guessed: boolean) {
    const { sent, wanted, last, voter, member = "optionIds" } = this.now;
    const again = ++this.#namings > 1;
    // That this voter has no vote of about the id's time is part of the refusal.
    const after = again ? "" : last;
    const unnamed = again && guessed && (navigator.cookieEnabled || !!voter || !!this.#voter);
    this.#unknownSince = 0;
    this.#keep({
      sent: { ballotId: uuidv7(after), [member]: wanted ?? answerOf(sent), unnamed },
      last: after,
      unclear: 0,
      wanted: null,
      failed: undefined,
      state: "sending",
    });
    if (again) this.#failed(CLOCKS);
    else this.#later(Math.max(backOff(this.#namings), PAUSE));
  }

  #failed(status = 0, retryAfter = 0) {
    const pause = Math.min(Math.max(retryAfter, backOff(++this.#tries), PAUSE), LONGEST_PAUSE);
    this.#keep({ state: "failed", failed: { status, pause } });
    this.#later(pause);
  }

  /** It is safe but was not decided while we waited: look again until it is. */
  #look() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      async () => {
        await this.check();
        if (this.now.state === "recorded") this.#look();
      },
      Math.min(LOOK, 1_000 * 1.5 ** this.#looks++),
    );
  }

  #ask(ballotId: string, { partition, offset }: Partial<Position> = {}) {
    const at = offset == null ? undefined : `${partition}.${offset}`;
    const query = { at, voterId: this.#voter, voter: this.now.voter };
    return getBallot({ path: { id: this.#poll, ballotId }, query });
  }

  /** Ask what became of the ballot that the receipt is for. */
  async check() {
    const asked = this.receipt;
    if (!asked) return;
    const answer = await this.#ask(asked.ballotId, asked.position ?? {});
    if (!answer.ok || answer.data?.ballotId !== asked.ballotId) return;
    this.refresh();
    const isLast = this.now.sent?.ballotId === asked.ballotId;
    if (!isLast && this.now.stands?.ballotId !== asked.ballotId) return;
    const { sent, last, state, stands } = this.#decided(asked, answer.data);
    if (isLast ? this.voted : !this.pending && state === "superseded")
      this.#keep({ sent, last, state, stands, answered: true });
    else this.#keep(isLast ? { sent } : { last, stands });
  }
}

/** Whether a poll takes a vote of this voter now: one that came too late does not count, should the poll reopen. */
export const takesVotes = (poll: Poll, { now }: Ballot): boolean =>
  poll.status === "open" &&
  (poll.revote !== "refuse" || ["none", "again", "wrong"].includes(now.state) || (now.state === "late" && !now.stands));
