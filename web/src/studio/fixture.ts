// Simulates a hall in which everybody does something all the time, for tests of what an organiser holds
// meanwhile: half a word, an open dialog, a row in the hand.

import { flushSync } from "svelte";
import type { ChoicePoll } from "../kinds/kind";
import { vi } from "vitest";
import { POLL, refusal } from "../api/fixture";
import { keepToken } from "../api/identity";
import type { Event, EventPoll, Poll } from "../api/generated";
import type { Message } from "../live/messages";
import type { Hears, Opens } from "../live/transport";
import { Desk } from "./desk.svelte";

export const idOf = (n: number) => `0199a0b0-0000-7000-8000-${String(n).padStart(12, "0")}`;
export const pollOf = (n: number, rest: Partial<Poll> = {}): Poll =>
  ({
    ...POLL,
    id: idOf(n),
    code: `48291${n}`,
    question: `Poll ${n}?`,
    options: ["Yes", "No", "Maybe"].map((text, i) => ({ id: i + 1, text, votes: 0 })),
    totalVotes: 0,
    totalVoters: 0,
    ...rest,
  }) as Poll;
export const lineOf = ({ id, question, kind, status, final, revealed }: Poll): EventPoll => ({
  id,
  question,
  kind,
  status,
  final,
  revealed,
});
export const eventOf = (n: number, polls: Poll[], rest: Partial<Event> = {}): Event => ({
  id: idOf(n),
  code: "111222",
  title: "The day of polls",
  accent: null,
  layout: "bars",
  logo: null,
  current: polls[0]?.id ?? null,
  polls: polls.map(lineOf),
  embed: [],
  lone: false,
  version: 1,
  createdAt: "2026-01-01T00:00:00Z",
  ...rest,
});

/** Plays a server, with everybody who uses it. */
export class Hall {
  polls = new Map<string, ChoicePoll>();
  events = new Map<string, Event>();
  asked: string[] = [];
  /** So many deletions are answered as if they were done, by something other than Pollux. */
  feigned = 0;
  desk!: Desk;
  #ways: { query: string; tokens: string[]; hears: Hears; open: boolean }[] = [];

  constructor() {
    localStorage.clear();
    sessionStorage.clear();
    vi.stubGlobal("fetch", (path: string, { method = "GET" } = {}) => Promise.resolve(this.#answer(method, path)));
  }

  /** Returns the desk of an organiser who holds these. */
  async desks(...things: (Poll | Event)[]): Promise<Desk> {
    for (const thing of things) {
      this.put(thing);
      const isEvent = "title" in thing;
      if (isEvent || !thing.eventId) keepToken(thing.id, `token of ${thing.id}`, isEvent ? "event" : "poll");
    }
    this.desk = new Desk({ socket: this.#socket });
    await vi.waitFor(() => {
      if (!this.#ways.length) throw new Error("not connected");
    });
    await this.settle();
    return this.desk;
  }

  put(thing: Poll | Event) {
    if ("title" in thing) this.events.set(thing.id, thing);
    else this.polls.set(thing.id, thing as ChoicePoll);
  }

  /** The queries of the connections that are open. */
  get watching(): string[] {
    return this.#ways.filter((way) => way.open).map((way) => way.query);
  }

  /** Returns the tokens that the open connections for this were opened with. */
  tokensFor(of: string): string[] {
    return this.#ways.filter((way) => way.open && way.query.includes(of)).flatMap((way) => way.tokens);
  }

  /** How many connections there ever were. */
  get opened(): number {
    return this.#ways.length;
  }

  /** Changes a poll as somebody else: whoever watches it, or follows its event, is told. */
  poll(id: string, change: Partial<ChoicePoll>) {
    const before = this.polls.get(id)!;
    const poll = { ...before, version: before.version + 1, ...change };
    this.polls.set(id, poll);
    this.#say(`poll=${id}`, { type: "poll.updated", poll });
    const event = poll.eventId ? this.events.get(poll.eventId) : undefined;
    if (event) this.event(event.id, { polls: event.polls.map((line) => (line.id === id ? lineOf(poll) : line)) });
  }

  /** Deletes a poll as somebody else: it is told as closed, and is not found any more. */
  delete(id: string) {
    const poll = this.polls.get(id)!;
    this.polls.delete(id);
    this.#say(`poll=${id}`, { type: "poll.closed", poll: { ...poll, version: poll.version + 1, status: "closed" } });
  }

  event(id: string, change: Partial<Event>) {
    const before = this.events.get(id)!;
    const event = { ...before, version: before.version + 1, ...change };
    this.events.set(id, event);
    this.#say(`event=${id}`, { type: "event.changed", event });
  }

  /** Lets somebody vote. */
  vote(id: string) {
    const before = this.polls.get(id)!;
    const options = before.options.map((option, i) =>
      i === 0 ? { ...option, votes: (option.votes ?? 0) + 1 } : option,
    );
    const poll = {
      ...before,
      version: before.version + 1,
      options,
      totalVoters: before.totalVoters! + 1,
      totalVotes: before.totalVotes! + 1,
    };
    this.polls.set(id, poll);
    this.#say(`poll=${id}`, { type: "poll.updated", poll });
  }

  /**
   * Greets everybody as another server, whose versions begin afresh: of an event it tells what the public
   * sees.
   */
  greet(epoch: string) {
    for (const way of this.#ways.filter(({ open }) => open)) this.#hello(way, epoch);
  }

  /** Waits until everything that was sent is on the page. */
  async settle() {
    for (let i = 0; i < 4; i++)
      await new Promise((done) => {
        setTimeout(done, 12);
      });
    flushSync();
  }

  close() {
    this.desk.close();
  }

  #say(of: string, message: Message) {
    for (const { query, hears, open } of this.#ways) if (open && query.includes(of)) hears.message(message);
  }

  #socket: Opens = (query, tokens, hears) => {
    const way = { query, tokens, hears, open: true };
    this.#ways.push(way);
    setTimeout(() => {
      if (way.open) this.#hello(way, "1");
    });
    return {
      close: () => {
        way.open = false;
      },
    };
  };

  #hello({ query, hears }: { query: string; hears: Hears }, epoch: string) {
    const polls = [...this.polls.values()].filter(({ id }) => query.includes(`poll=${id}`));
    const followed = [...this.events.values()].find(({ id }) => query.includes(`event=${id}`));
    const event = followed && {
      ...followed,
      version: followed.version - 1,
      polls: followed.polls.filter(({ status }) => status !== "draft"),
    };
    hears.message({ type: "hello", epoch, polls, ...(event ? { event } : {}) });
    // The connection's token is heard a moment later.
    if (followed)
      setTimeout(() => hears.message({ type: "event.changed", event: this.events.get(followed.id) ?? followed }), 20);
  }

  #erase(from: Map<string, unknown>, id: string): Response {
    if (this.feigned-- > 0) return new Response(null, { status: 204 });
    return from.delete(id) ? new Response(null, { status: 204 }) : refusal(404);
  }

  #answer(method: string, path: string): Response {
    this.asked.push(`${method} ${path}`);
    const [, , kind, id, what] = path.split(/[/?]/);
    if (kind === "address") return Response.json({ url: "http://poll.example", phonesCanOpen: true });
    if (method === "DELETE") return this.#erase(kind === "events" ? this.events : this.polls, id!);
    if (kind === "status") return refusal(503, "not-ready");
    if (what === "pulse") return Response.json({ watchers: 3, elsewhere: true });
    if (what === "trend") return Response.json({ stepMs: 1000, points: [] });
    if (what === "stage") return Response.json({ stageToken: "s", stageUrl: "http://poll.example/present/x#token=s" });
    const found = (kind === "events" ? this.events : this.polls).get(id ?? "");
    return found ? Response.json(found) : refusal(404);
  }
}
