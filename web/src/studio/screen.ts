// Keeps up with what is on the screen, so that whatever happens to it is seen at once, whoever did it. A
// server lets one connection follow one event, so each event has a connection of its own. Nobody can watch a
// draft that is in no event, so such drafts are asked for.

import { Connection, type Wiring } from "../live/connection";
import type { Message } from "../live/messages";

/**
 * The most events that are followed at once, with a socket each; and the most lone drafts that are asked for
 * at once, in turns if there are more.
 */
const EVENTS = 24,
  DRAFTS = 4;
/**
 * How often a lone draft is asked for, and the first and the longest pause after a failure; in milliseconds.
 */
const EVERY = 500,
  PAUSE = 2_000,
  LONGEST = 30_000;

/** `Sources` is what the desk knows and does for its screen. */
export type Sources = {
  /** Returns the event that this is, or is in. */
  eventOf: (id: string) => string | null;
  /** Whether this is a draft that is in no event. */
  isLoneDraft: (id: string) => boolean;
  tokens: (event: string) => string[];
  /** Asks for an event: null when no answer came. */
  ask: (event: string) => Promise<{ news: boolean } | null>;
  /** Asks for a draft: returns whether the server told it. */
  load: (draft: string) => Promise<boolean>;
  hear: (message: Message) => void;
};

/** Makes the connections and requests for what is on the screen. */
export class Screen {
  #sources: Sources;
  #ways: Pick<Wiring, "socket" | "stream">;
  /** The ids of each place that shows something. */
  #looks = new Set<readonly string[]>();
  #followed = new Map<string, { connection: Connection; tokens: string }>();
  #asking = false;
  /** How many drafts have been asked for, which tells whose turn it is. */
  #asked = 0;
  /**
   * The number of failures in a row; and when drafts are asked for next, by `performance.now()`, which nobody
   * can set.
   */
  #failures = 0;
  #next = 0;
  #timer: ReturnType<typeof setInterval>;

  constructor(sources: Sources, ways: Pick<Wiring, "socket" | "stream"> = {}) {
    this.#sources = sources;
    this.#ways = ways;
    this.#timer = setInterval(() => {
      if (!document.hidden) void this.#askForDrafts();
    }, EVERY);
  }

  /** Marks these events and polls as being on the screen until the returned function is called. */
  look(ids: readonly string[]): () => void {
    const look = [...ids];
    this.#looks.add(look);
    this.follow();
    return () => {
      this.#looks.delete(look);
      this.follow();
    };
  }

  /** Follows the events of what is on the screen, and no others. */
  follow() {
    const wanted = new Set(this.#ids.flatMap((id) => this.#sources.eventOf(id) ?? []).slice(0, EVENTS));
    for (const [event, { connection }] of this.#followed) {
      if (wanted.has(event)) continue;
      connection.close();
      this.#followed.delete(event);
    }
    for (const event of wanted) this.#showTokens(event);
  }

  /**
   * Opens an event's connection anew when its tokens have changed: a connection tells only as much as the
   * tokens allow that it was opened with.
   */
  #showTokens(event: string) {
    const tokens = this.#sources.tokens(event).join(),
      before = this.#followed.get(event);
    if (before?.tokens === tokens) return;
    before?.connection.again();
    this.#followed.set(event, { tokens, connection: before?.connection ?? this.#connect(event) });
  }

  get followed(): string[] {
    return [...this.#followed.keys()];
  }

  close() {
    clearInterval(this.#timer);
    this.#looks.clear();
    this.follow();
  }

  get #ids(): string[] {
    return [...new Set([...this.#looks].flat())];
  }

  #connect(event: string): Connection {
    const { tokens, ask, hear } = this.#sources;
    return new Connection({
      query: `?event=${encodeURIComponent(event)}`,
      tokens: () => tokens(event),
      ask: () => ask(event),
      message: (message) => {
        // An event that is told before the token is heard lacks its drafts; with the token it is told once
        // more.
        if (message.type === "hello" && tokens(event).length)
          message.polls.forEach((poll) => hear({ type: "poll.updated", poll }));
        else hear(message);
      },
      state: () => {},
      ...this.#ways,
    });
  }

  async #askForDrafts() {
    if (this.#asking || performance.now() < this.#next) return;
    this.#asking = true;
    const drafts = this.#ids.filter(this.#sources.isLoneDraft),
      first = this.#asked % drafts.length || 0;
    const turn = [...drafts.slice(first), ...drafts.slice(0, first)].slice(0, DRAFTS);
    this.#asked += turn.length;
    const told = await Promise.all(turn.map(this.#sources.load));
    this.#asking = false;
    this.#failures = told.every(Boolean) ? 0 : this.#failures + 1;
    if (this.#failures) this.#next = performance.now() + Math.min(LONGEST, PAUSE * 2 ** (this.#failures - 1));
  }
}
