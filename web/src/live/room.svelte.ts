// Follows one event as everybody in the room sees it: the poll that is shown now, and which one that is. A
// lone poll is an event of one poll. Whoever has joined once is led to each next poll.

import { getEvent, getPoll } from "../api/operations";
import { hopeless, type Problem, type Refusal } from "../api/call";
import type { Event, Poll } from "../api/generated";
import { Connection, type Wiring } from "./connection";
import { Frames } from "./frames";
import { Link } from "./link.svelte";
import type { Message } from "./messages";
import { Newest } from "./newest";

/**
 * How soon a code that leads nowhere is tried again, in milliseconds. Guesses are counted for a whole hall
 * behind one address.
 */
const TRY_AGAIN = 20_000;
/** How soon the server is asked again what a room is while no answer of Pollux has come, in milliseconds. */
const ENTER_AGAIN = 2_000;
/**
 * What is shown stays until the server says a second time, this many milliseconds later, that it does not
 * exist: a node may only have begun, or a proxy may lead elsewhere for a moment.
 */
const DOUBT = 10_000;

/** Follows an event, and the poll that is shown now, over a connection of its own. */
export class Room {
  readonly link = new Link();
  event = $state.raw<Event | null>(null);
  /** The poll that is shown now; the one before it until the first state of it has come. */
  poll = $state.raw<Poll | null>(null);
  /** Why there is nothing to show, once it is certain that the address leads nowhere. */
  gone = $state.raw<Problem | null>(null);

  #id: string;
  #tokens: () => string[];
  #event: Event | null = null;
  #polls = new Map<string, Poll>();
  #newest = new Newest();
  #frames = new Frames();
  #ways: Pick<Wiring, "socket" | "stream">;
  #connection!: Connection;
  #later: ReturnType<typeof setTimeout> | undefined;
  /** When to ask whether the address really leads nowhere; 0 while no answer says so. */
  #doubt = 0;
  #left = false;

  /** `id` is an event's or poll's id or join code. */
  constructor(id: string, tokens: () => string[] = () => [], ways: Pick<Wiring, "socket" | "stream"> = {}) {
    this.#id = id;
    this.#tokens = tokens;
    this.#ways = ways;
    this.#open();
  }

  #open() {
    if (this.#left) return;
    this.#connection = new Connection({
      query: `?event=${encodeURIComponent(this.#id)}`,
      tokens: this.#tokens,
      ask: () => this.#ask(),
      message: (message) => this.#hear(message),
      state: this.link.show,
      ...this.#ways,
    });
    void this.#enter();
  }

  /**
   * Asks until somebody has said what this room is: the connection alone may take long to find out that it
   * gets nowhere.
   */
  async #enter() {
    await this.#ask();
    if (!this.#event && !this.gone && !this.#left) this.#later = setTimeout(() => void this.#enter(), ENTER_AGAIN);
  }

  /** Connects anew: who has voted, or holds a token now, may see more. */
  again() {
    if (!this.gone) return this.#connection.again();
    clearTimeout(this.#later);
    this.#connection.close();
    this.#open();
  }

  /** Takes a poll that came another way, such as with an answer. */
  take(poll: Poll) {
    if (this.#left || !this.#newest.takes(poll.id, poll.version)) return;
    this.#polls.set(poll.id, poll);
    this.#frames.next("room", () => this.#settle());
  }

  /** Takes an event that came another way. */
  takeEvent(event: Event) {
    if (this.#left || !this.#newest.takes(`event ${event.id}`, event.version)) return;
    this.gone = null;
    this.#doubt = 0;
    this.#event = event;
    this.#frames.next("room", () => this.#settle());
  }

  close() {
    this.#left = true;
    clearTimeout(this.#later);
    this.#connection.close();
  }

  #settle() {
    this.event = this.#event;
    const current = this.event?.current;
    this.poll = current ? (this.#polls.get(current) ?? this.poll) : null;
  }

  #hear(message: Message) {
    switch (message.type) {
      case "hello":
        this.#newest.greet(message.epoch);
        message.polls.forEach((poll) => this.take(poll));
        if (message.event) this.takeEvent(message.event);
        break;
      case "poll.created":
      case "poll.updated":
      case "poll.closed":
        this.take(message.poll);
        break;
      case "event.changed":
        this.takeEvent(message.event);
    }
  }

  async #ask() {
    if (this.#left || performance.now() < this.#doubt) return null;
    const token = this.#tokens()[0] ?? null;
    const event = await getEvent({ path: { id: this.#id }, token });
    if (!event.ok) return this.#refused(event);
    const { current } = event.data;
    const poll = current ? await getPoll({ path: { id: current }, token }) : null;
    if (poll && !poll.ok && !hopeless(poll.status)) return null;
    // A lone poll's event comes only with a hello, and says nothing that its poll does not.
    const news =
      (!event.data.lone && this.#newest.isNews(`event ${event.data.id}`, event.data.version)) ||
      (poll?.ok === true && this.#newest.isNews(poll.data.id, poll.data.version));
    if (poll?.ok) this.take(poll.data);
    this.takeEvent(event.data);
    return { news };
  }

  #refused(answer: Refusal) {
    if (!hopeless(answer.status) || this.#left) return null;
    if (this.#event && !this.#doubt && !this.gone) {
      this.#doubt = performance.now() + DOUBT;
      return null;
    }
    // A code may be mistyped, or its event deleted: a hall of phones must not ask for it every two seconds.
    this.gone = answer.problem;
    this.#doubt = 0;
    this.#connection.close();
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.#open(), TRY_AGAIN);
    return null;
  }
}
