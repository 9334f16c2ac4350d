// Keeps a page connected: by a WebSocket; after three that failed in a row by an event stream; if that fails
// too, by plain requests every two seconds. Whatever carries the page, the socket is tried again meanwhile. A
// stream makes room when this browser has too many (`streams.ts`); the page then asks. A silent socket is
// doubted: a quiet poll and a dead connection look alike, and a plain request tells them apart.

import { backOff } from "./backoff";
import type { Message } from "./messages";
import { openSocket, openStream, type Opens, type Transport } from "./transport";

/**
 * A `State` is `live` while the server pushes, and `polling` while the page asks every two seconds. While it is
 * `waiting` neither is so, and what is shown is old.
 */
export type State = "connecting" | "live" | "polling" | "waiting";

/** `Wiring` is what a connection carries, and whom it tells. */
export type Wiring = {
  /** What is watched: "?event=482913", "?poll=…", "?leaderboard", or a function where that can change. */
  query: string | (() => string);
  /** The tokens to show: the server tells in full whatever they belong to. */
  tokens?: () => string[];
  /** Asks for the same by plain request, and says whether there was news; null when no answer came. */
  ask: () => Promise<{ news: boolean } | null>;
  message: (message: Message) => void;
  /** Called when the state changes, and at least every second. */
  state: (state: State, heardAt: number) => void;
  socket?: Opens;
  stream?: Opens;
};

const ASK_EVERY = 2_000;
/** The milliseconds of silence after which a connection is doubted. */
const SILENCE = 30_000;
/**
 * A connection that lived for this many milliseconds was a good one; one that breaks off sooner is a failure
 * like any other.
 */
const STEADY = 5_000;
/**
 * When the device's clocks drift apart by this many milliseconds, its clock was set or the device has slept.
 */
const JUMP = 10_000;
const SOCKETS_BEFORE_STREAM = 3;
const STREAMS_BEFORE_ASKING = 2;

/** Keeps a page connected until it is closed. */
export class Connection {
  #wiring: Wiring;
  #way: Transport | null = null;
  /**
   * When the server said hello on this connection. All such moments are by `performance.now()`, which nobody
   * can set.
   */
  #greetedAt: number | null = null;
  #failures = 0;
  #streamFailures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #tick: ReturnType<typeof setInterval>;
  #asking = false;
  /** Whether the last plain request had no answer. */
  #unanswered = false;
  #askedAt = -Infinity;
  #heardAt = performance.now();
  /** How far the device's clock is ahead of the one that nobody can set. */
  #drift = Date.now() - performance.now();
  #closed = new AbortController();

  constructor(wiring: Wiring) {
    this.#wiring = wiring;
    this.#tick = setInterval(() => this.#everySecond(), 1_000);
    const { signal } = this.#closed;
    addEventListener("online", () => this.again(), { signal });
    addEventListener(
      "pageshow",
      (event) => {
        if (event.persisted) this.again();
      },
      { signal },
    );
    document.addEventListener(
      "visibilitychange",
      () => {
        if (!document.hidden && !this.#greeted) this.again();
      },
      { signal },
    );
    this.#connect();
  }

  /** Drops the connection and connects anew at once: who has just voted may see more. */
  again() {
    this.#failures = this.#streamFailures = 0;
    this.#drop();
    this.#connect();
  }

  close() {
    this.#drop();
    clearInterval(this.#tick);
    this.#closed.abort();
  }

  get #greeted(): boolean {
    return this.#greetedAt !== null;
  }

  get #fallen(): boolean {
    return this.#failures >= SOCKETS_BEFORE_STREAM;
  }

  #connect() {
    clearTimeout(this.#retry);
    // A closed connection stays closed, whoever still calls, and whatever answer was on its way.
    if (this.#closed.signal.aborted) return;
    const { query, tokens, socket = openSocket, stream = openStream } = this.#wiring;
    const secrets = tokens?.() ?? [];
    // A stream carries no token, and every other attempt tries the socket again.
    const streaming =
      this.#fallen && !secrets.length && this.#streamFailures < STREAMS_BEFORE_ASKING && this.#failures % 2 === 1;
    const open = streaming ? stream : socket;
    const way = open(typeof query === "string" ? query : query(), secrets, {
      message: (message) => {
        if (way !== this.#way) return;
        this.#heardAt = performance.now();
        if (message.type === "hello") this.#greetedAt ??= performance.now();
        this.#wiring.message(message);
        this.#show();
      },
      lost: (crowded) => {
        if (way !== this.#way) return;
        if (streaming) this.#streamFailures++;
        this.#lost(crowded);
      },
    });
    this.#way = way;
  }

  #drop() {
    clearTimeout(this.#retry);
    this.#way?.close();
    this.#way = null;
    this.#greetedAt = null;
  }

  #lost(crowded = false) {
    if (this.#greetedAt !== null && performance.now() - this.#greetedAt >= STEADY)
      this.#failures = this.#streamFailures = 0;
    if (crowded) this.#makeRoom();
    this.#drop();
    this.#retry = setTimeout(() => this.#connect(), backOff(this.#failures++));
    this.#show();
  }

  /** Asks from now on, because other tabs have the streams. Until now this page was live. */
  #makeRoom() {
    if (this.#greeted) this.#heardAt = performance.now();
    this.#failures = SOCKETS_BEFORE_STREAM;
    this.#streamFailures = STREAMS_BEFORE_ASKING;
  }

  #everySecond() {
    if (!document.hidden) {
      const silent = this.#greeted && performance.now() - this.#heardAt > SILENCE;
      if ((!this.#greeted && this.#fallen) || silent) void this.#ask(silent);
      else if (this.#clockJumped()) void this.#ask(false);
    }
    this.#show();
  }

  /**
   * Whether this device's clock differs from what it was a moment ago. The answer to a plain request brings
   * the server's time.
   */
  #clockJumped(): boolean {
    const before = this.#drift;
    this.#drift = Date.now() - performance.now();
    return Math.abs(this.#drift - before) > JUMP;
  }

  async #ask(doubted: boolean) {
    if (this.#asking || performance.now() - this.#askedAt < ASK_EVERY) return;
    this.#asking = true;
    const way = this.#way;
    const answer = await this.#wiring.ask().catch(() => null);
    this.#asking = false;
    this.#askedAt = performance.now();
    if (answer) this.#heardAt = performance.now();
    // The server is back, so there is no reason for a long pause any more; but a whole hall must not come
    // back at once.
    if (answer && this.#unanswered && !this.#way) {
      clearTimeout(this.#retry);
      this.#failures = SOCKETS_BEFORE_STREAM;
      this.#retry = setTimeout(() => this.#connect(), backOff(SOCKETS_BEFORE_STREAM));
    }
    this.#unanswered = !answer;
    // Without an answer, or with news that the connection should have brought, the connection is dead.
    if (doubted && way === this.#way && (!answer || answer.news)) this.#lost();
    this.#show();
  }

  #show() {
    const asked = this.#fallen && performance.now() - this.#heardAt < 3 * ASK_EVERY;
    const state = this.#greeted ? "live" : asked ? "polling" : this.#failures ? "waiting" : "connecting";
    this.#wiring.state(state, this.#heardAt);
  }
}
