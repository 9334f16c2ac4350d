// Plays a server for tests, without a network. It greets whoever connects unless it is told otherwise. A test
// replaces `receive` to refuse, be silent or break off, and sends what it likes over the open ways.

import { refusal } from "../api/fixture";
import type { Message } from "./messages";
import type { Hears, Opens } from "./transport";

/** A `FakeWay` is one connection to the server, as the server sees it. */
export class FakeWay {
  open = true;

  constructor(
    readonly kind: "socket" | "stream",
    readonly query: string,
    readonly tokens: string[],
    private hears: Hears,
  ) {}

  say(message: Message) {
    this.hears.message(message);
  }

  /** Breaks the connection off, or makes room for other tabs. */
  lose(crowded = false) {
    this.open = false;
    this.hears.lost(crowded);
  }
}

/** Plays the server of one test. */
export class FakeServer {
  epoch = "one";
  /** All connections that were ever opened, the oldest first. */
  ways: FakeWay[] = [];
  /** What a GET of a path answers: an object, a whole response, or an error; anything else is not found. */
  resources = new Map<string, unknown>();
  asked: string[] = [];
  receive: (way: FakeWay) => void = (way) => this.greet(way);

  socket: Opens = (query, tokens, hears) => this.#accept(new FakeWay("socket", query, tokens, hears));
  stream: Opens = (query, tokens, hears) => this.#accept(new FakeWay("stream", query, tokens, hears));

  /** Replaces the browser's `fetch`. */
  fetch = async (path: string): Promise<Response> => {
    this.asked.push(path);
    const data = this.resources.get(path);
    if (data instanceof Error) throw data;
    if (data instanceof Response) return data.clone();
    return data === undefined ? refusal(404) : Response.json(data);
  };

  get last(): FakeWay {
    return this.ways.at(-1)!;
  }

  get kinds(): string[] {
    return this.ways.map((way) => way.kind);
  }

  greet(way: FakeWay, more: object = {}) {
    way.say({ type: "hello", epoch: this.epoch, polls: [], ...more });
  }

  /** Turns everybody away from now on. */
  refuse() {
    this.receive = (way) => way.lose();
  }

  #accept(way: FakeWay) {
    this.ways.push(way);
    // Nothing answers before the call that asks has returned.
    setTimeout(() => {
      if (way.open) this.receive(way);
    });
    return {
      close: () => {
        way.open = false;
      },
    };
  }
}
