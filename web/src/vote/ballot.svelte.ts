// Sends one voter's ballot in one poll until it is answered, always under the same id.
//
// One ballot is under way at a time. A change of mind waits for the answer to the ballot before: that answer
// brings the cookie, without which two ballots would be two voters. What is under way is kept on the device
// and read there before anything is sent, so two tabs of one phone are one voter as well.
//
// No clock costs a vote. A server whose clock was set back refuses an id that is in its future, if it has not
// taken that ballot. The ballot is then sent under an id of the time that the server has told.

import { hopeless, explain, type Refusal } from "../api/call";
import { doubtful, heardTime, now } from "../api/clock";
import type { Poll, Position, Receipt } from "../api/generated";
import { castBallot, getBallot, getPoll } from "../api/operations";
import { madeAt, uuidv7 } from "../api/uuid";
import { backOff } from "../live/backoff";
import { forget, recall, remember } from "../ui/storage";
import { Draft } from "./draft.svelte";
import { USUAL, type Answer, type Mark, type Member } from "./kind";

/**
 * The `State` of a ballot is `none` or `again` while there is none in this round; the others say what became of
 * the last one.
 * Of a ballot that does not count because a newer one does, `replaced` says that the newer one is this
 * device's, `superseded` that it is not.
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

/**
 * A `Sent` is a ballot as it was sent, its answer as a list in the same member as in the request, and what the server
 * said of it.
 */
export type Sent = {
  ballotId: string;
  at?: number;
  position?: Position | null;
  status?: string;
  /** Whether the ballot is sent without its id: the server gives it another one, with the answer. */
  unnamed?: boolean;
} & { [member in Member]?: Answer<Mark> };

/** `Kept` is what the device keeps of a voter's ballot in one poll. */
export type Kept = {
  round: number;
  state: State;
  /** The last ballot under its id, until it is refused. */
  sent: Sent | null;
  answered: boolean;
  /** The next answer, which is sent once `sent` is answered. */
  wanted: Answer<Mark> | null;
  /** The member of the request in which answers to this poll are sent, if it is not the usual one. */
  member?: Member;
  /** Whether an answer is a single mark, which is sent without a list around it. */
  alone?: boolean;
  /** How many tries of `sent` have had no clear answer: any of them may have been taken. */
  unclear: number;
  /** The ballot that counted last. */
  stands: Sent | null;
  /** The greatest id that the server has taken of this voter, as far as this device knows. */
  last: string;
  /** The name by which the server told this voter to be known in this poll, where no cookie is kept. */
  voter?: string;
  /** The answer's status and the milliseconds until the next try, after a failure. */
  failed?: { status: number; pause: number };
  /** The server's words of a refusal, and the members of the request which it found wrong. */
  note?: string;
  wrong?: string[];
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
/** The statuses of answers which say that a ballot was not taken, and may be sent again. */
export const NOT_TAKEN = [429, 503];
/** The shortest and the longest pause before another try, in milliseconds. */
const PAUSE = 500,
  LONGEST_PAUSE = 60_000;
/** The status of a failure that is the clocks' fault. */
export const CLOCKS = 422;
/**
 * How long the server must know nothing of a ballot until it counts as never taken, in milliseconds: longer
 * than a server takes to decide.
 */
const UNKNOWN_FOR = 20_000;
/**
 * The longest that another tab is given to send what it has in hand, in milliseconds: longer than a request's
 * patience.
 */
const OTHERS = 12_000;
/** The longest pause between two looks at what became of a ballot, in milliseconds. */
const LOOK = 20_000;

let name: string | undefined;
/**
 * Returns the voter's name where cookies are refused, for as long as the page lives: otherwise each change
 * would be another voter.
 */
const voterName = () => (navigator.cookieEnabled ? undefined : (name ??= uuidv7()));

/** Whether two answers have the same marks. */
export const same = (a: Answer<Mark>, b: Answer<Mark>) => JSON.stringify(a) === JSON.stringify(b);
const newest = (...ids: (string | null | undefined)[]) => ids.reduce<string>((a, b) => (b && b > a ? b : a), "");
/** Whether a ballot was refused because of this member. */
const isFor = ({ status, problem }: Refusal, member: string) =>
  status === 422 && !!problem.errors?.some(({ pointer }) => pointer === `/${member}`);
/**
 * Returns the server's time, from its words about an id that is ahead of it; NaN if it said none. Its `Date`
 * may be another clock's.
 */
const timeTold = ({ problem }: Refusal, id: string) =>
  madeAt(id) - 1_000 * Number(/(\d+) s ahead/.exec(explain(problem))?.[1]);
/** Returns what a ballot answers. */
export const answerOf = <M extends Mark = number>(sent: Sent | null) =>
  (sent?.answer ?? sent?.[USUAL] ?? []) as Answer<M>;

/** Sends one voter's ballot in one poll, and knows what became of it. */
export class Ballot<M extends Mark = number> {
  now = $state.raw<Kept>(NEW);
  /** Whether the server takes no `round`. */
  #plain = false;
  /** When the next try is, by `performance.now()`, which nobody can set. */
  retryAt = $state(0);
  readonly draft: Draft;

  /** Whether the poll takes voters by name. */
  named = false;

  #poll: string;
  #name: string;
  #busy = false;
  #tries = 0;
  /** How often in a row the ballot was given another id. */
  #namings = 0;
  /**
   * Since when the ballot is refused as from the future though it may have been taken before, by
   * `performance.now()`.
   */
  #unknownSince = 0;
  #looks = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(poll: string) {
    this.#poll = poll;
    this.#name = `ballot.${poll}`;
    this.draft = new Draft(poll);
    this.refresh();
  }

  /** Reads what another tab may have made of the ballot. */
  refresh() {
    const kept = recall<Kept>(this.#name);
    if (kept) this.now = { ...NEW, ...kept };
  }

  /**
   * Takes over what another tab has made of the ballot. Should that tab be closed before the ballot is
   * decided, this one goes on.
   */
  heard() {
    this.refresh();
    if (!this.pending || this.#busy) return;
    this.#later(this.now.failed?.pause ?? 0, OTHERS);
  }

  /** The last answer, as far as it may count. */
  get chosen(): Answer<M> {
    const { wanted, sent, stands } = this.now;
    return (wanted as Answer<M> | null) ?? answerOf<M>(this.pending || this.isIn ? sent : stands);
  }

  /** Whether a ballot waits to be sent, or for an answer. */
  get pending(): boolean {
    return this.now.state === "sending" || this.now.state === "failed";
  }

  /** Whether the last ballot is recorded, counted yet or not. */
  get isIn(): boolean {
    return this.now.state === "recorded" || this.now.state === "counted";
  }

  /** Whether a ballot of this voter is recorded, even if it is not the last one. */
  get voted(): boolean {
    return this.isIn || this.now.state === "replaced" || this.now.state === "superseded";
  }

  /** The ballot whose receipt is shown. */
  get receipt(): Sent | null {
    const { sent, stands, answered, state } = this.now;
    return answered && this.isIn ? sent : (stands ?? (["superseded", "refused", "late"].includes(state) ? sent : null));
  }

  /** Notes the poll's round: a new one begins with no ballot. */
  round(round: number) {
    this.refresh();
    if (this.now.round >= round) return;
    const { round: before, sent, last, wanted, voter } = this.now;
    // What was chosen before the poll was known was chosen in this round.
    if (!before && (sent || wanted)) return this.#keep({ round });
    clearTimeout(this.#timer);
    this.now = { ...NEW, round, voter, last: newest(last, sent?.ballotId), state: before ? "again" : "none" };
    this.#keep({});
  }

  /** Votes with this answer. */
  cast(answer: Answer<M>, member: Member = USUAL, alone?: boolean) {
    this.refresh();
    const { sent, answered, failed } = this.now;
    if (this.pending && same(answer, this.chosen)) {
      // Somebody who taps again does not want to wait, but a server that is busy does.
      if (failed && !NOT_TAKEN.includes(failed.status)) void this.#attempt();
      return;
    }
    const underWay = this.pending && !answered && same(answerOf(sent), answer);
    this.#keep({ member, alone, wanted: underWay ? null : answer, ...(this.pending ? {} : { state: "sending" }) });
    void this.#attempt();
  }

  /** Goes on: what was not answered is sent again, and the server is asked about what was not decided. */
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
    // An older record must not come back in the place of one that could not be written.
    if (!remember(this.#name, this.now)) forget(this.#name);
  }

  /** Tries again after `pause` milliseconds, or `more` later when it is another tab's turn. */
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
    const { sent, failed, unclear, voter, member = USUAL, alone } = this.now;
    const given = answerOf(sent);
    const round = (!this.#plain && this.now.round) || undefined;
    const { ballotId, unnamed } = sent!;
    this.#busy = true;
    this.#keep({ unclear: unclear + 1, failed: failed && { ...failed, pause: 0 } });
    const answer = await castBallot({
      path: { id: this.#poll },
      query: { wait: "counted" },
      headers: { Prefer: "wait=8" },
      outlives: true,
      body: {
        ballotId: unnamed ? undefined : ballotId,
        [member]: alone ? given[0] : given,
        voterId: this.#voter,
        voter,
        round,
      },
    });
    this.#busy = false;
    this.refresh();
    // Another tab has heard the answer, or a new round has begun.
    if (this.#isOver(ballotId)) return void this.#attempt();
    if (!answer.ok) this.#refused(answer);
    else if (answer.data.ballotId === ballotId || unnamed) this.#answered(answer.data);
    else this.#failed();
  }

  #isOver(ballotId: string): boolean {
    return this.now.sent?.ballotId !== ballotId || this.now.answered;
  }

  /**
   * Asks for the server's time, because a new id is made by its clock. Where that is in doubt any answer of
   * the server tells it.
   */
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

  /**
   * Whether there is a ballot to send. A ballot without an answer is sent again as it is; only then does the
   * next answer get an id.
   */
  #underWay(): boolean {
    if (!this.#unnamed) return true;
    const { wanted, last, member = USUAL } = this.now;
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

  /** Notes what became of a ballot of this device, now that the server has said it. */
  #decided(ballot: Sent, { status, position, supersededBy }: Receipt) {
    const { stands, last } = this.now;
    const sent = { ...ballot, status, position: position ?? ballot.position };
    const known = { sent, last: newest(last, ballot.ballotId, supersededBy) };
    if (status !== "replaced" && status !== "superseded") {
      return { ...known, state: status as State, stands: status === "counted" ? sent : stands };
    }
    // Of two ballots of this device the newer one has the greater id. A ballot from elsewhere is not known
    // here.
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
    // A refused id is no measure of later ones: it may have come from a clock that was wrong.
    this.#keep({
      sent: null,
      wanted: null,
      answered: false,
      failed: undefined,
      state: status === 409 ? "late" : "wrong",
      note: explain(problem),
      wrong: problem.errors?.map(({ pointer }) => pointer),
    });
  }

  /** Handles an id that is in the server's future. This try of the ballot was not taken. */
  async #isAhead(answer: Refusal) {
    const { sent, unclear, stands } = this.now;
    const told = timeTold(answer, sent!.ballotId);
    // A voter who has no vote yet may be known by this id alone. If an earlier try of it was taken, another
    // id would be another voter's.
    if (unclear > 0 && !stands && !(await this.#isUnknown(sent!.ballotId))) return;
    heardTime(told);
    this.#nameAnew(!told);
  }

  /**
   * Whether the server knows nothing of this ballot, and had the time to decide it. If it does know it, the
   * ballot goes on from there.
   */
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
   * Gives the ballot an id of the server's time. If that is refused again, and the time could only be
   * `guessed`, the server names the ballot; but only where the voter is known by something other than the id,
   * since a second copy then replaces the first. Any other voter goes on with new ids: no vote is given up
   * because of a clock.
   */
  #nameAnew(guessed: boolean) {
    const { sent, wanted, last, voter, member = USUAL } = this.now;
    const again = ++this.#namings > 1;
    // The refusal also says that the server has taken no vote of this voter from about the id's time.
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

  /** Asks again, until it is decided, about a ballot that is recorded and was not decided while we waited. */
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

  /** Asks what became of the ballot that the receipt is for. */
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

/**
 * Whether a poll takes a vote of this voter now: one that came too late does not count, even if the poll
 * reopens.
 */
export const takesVotes = (poll: Poll, { now }: Pick<Ballot, "now">): boolean =>
  poll.status === "open" &&
  (poll.revote !== "refuse" || ["none", "again", "wrong"].includes(now.state) || (now.state === "late" && !now.stands));
