// What is on the screen, so that whatever happens to it is seen at once, whoever did it: a server lets one connection
// follow one event, and nobody can watch a draft that is in none, which is asked for instead.

import { Connection, type Options } from "../live/connection";
import type { Message } from "../live/messages";

/** Events followed at once, a socket each; and lone drafts asked for at once, in turns if there are more. */
const EVENTS = 24,
  DRAFTS = 4;
/** How often a lone draft is asked for, and after how long when that came to nothing, at first and at most; in milliseconds. */
const EVERY = 500,
  PAUSE = 2_000,
  LONGEST = 30_000;

export type Sources = {
  /** The event that this is, or is in. */
  eventOf: (id: string) => string | null;
  /** Whether it is a draft that is in no event. */
  isLoneDraft: (id: string) => boolean;
  tokens: (event: string) => string[];
  /** Ask for an event: null when no answer came. */
  ask: (event: string) => Promise<{ news: boolean } | null>;
  /** Ask for a draft: says whether it was told. */
  load: (draft: string) => Promise<boolean>;
  hear: (message: Message) => void;
};

export class Screen {
  #sources: Sources;
  #ways: Pick<Options, "socket" | "stream">;
  /** Of each place that shows something. */
  #looks = new Set<readonly string[]>();
  #followed = new Map<string, { connection: Connection; tokens: string }>();
  #asking = false;
  /** How many drafts have been asked for: whose turn it is. */
  #asked = 0;
  /** How often in a row it came to nothing, and when drafts are asked for next, by the clock that nobody can set. */
  #failures = 0;
  #next = 0;
  #timer: ReturnType<typeof setInterval>;

  constructor(sources: Sources, ways: Pick<Options, "socket" | "stream"> = {}) {
    this.#sources = sources;
    this.#ways = ways;
    this.#timer = setInterval(() => {
      if (!document.hidden) void this.#askForDrafts();
    }, EVERY);
  }

  /** These events and polls are on the screen, until what this returns is called. */
  look(ids: readonly string[]): () => void {
    const look = [...ids];
    this.#looks.add(look);
    this.follow();
    return () => {
      this.#looks.delete(look);
      this.follow();
    };
  }

  /** Follow the events of what is on the screen, and no others. */
  follow() {
    const wanted = new Set(this.#ids.flatMap((id) => this.#sources.eventOf(id) ?? []).slice(0, EVENTS));
    for (const [event, { connection }] of this.#followed) {
      if (wanted.has(event)) continue;
      connection.close();
      this.#followed.delete(event);
    }
    for (const event of wanted) this.#showTokens(event);
  }

  /** A connection tells as much as the tokens it was opened with allow: with others it is opened anew. */
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
        // Told before the token is heard, an event lacks its drafts: with the token it is told once more.
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
