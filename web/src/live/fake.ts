// A server for tests, without a network. It greets whoever comes unless it is told otherwise; a test replaces
// `receive` to refuse, be silent or break off, and says what it likes over the ways that are open.

import { refusal } from "../api/fixture";
import type { Message } from "./messages";
import type { Hears, Opens } from "./transport";

/** One connection to it, as the server sees it. */
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

  /** Break off, or make room for other tabs. */
  lose(crowded = false) {
    this.open = false;
    this.hears.lost(crowded);
  }
}

export class FakeServer {
  epoch = "one";
  /** All that were ever opened, the oldest first. */
  ways: FakeWay[] = [];
  /** What a GET of a path answers: an object, a whole response, or an error; anything else is not found. */
  resources = new Map<string, unknown>();
  asked: string[] = [];
  receive: (way: FakeWay) => void = (way) => this.greet(way);

  socket: Opens = (query, tokens, hears) => this.#accept(new FakeWay("socket", query, tokens, hears));
  stream: Opens = (query, tokens, hears) => this.#accept(new FakeWay("stream", query, tokens, hears));

  /** In place of the browser's. */
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

  /** From now on whoever comes is sent away. */
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
