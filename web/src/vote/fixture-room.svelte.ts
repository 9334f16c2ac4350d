// Plays a room of one event, as tests of the voter's page have it, and the page in it.

import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeAll, beforeEach, vi } from "vitest";
import type { Event, Poll } from "../api/generated";
import { Link } from "../live/link.svelte";
import type { Room } from "../live/room.svelte";
import { Ballots } from "./ballots.svelte";
import { Booth } from "./fixture";
import Hall from "./Hall.svelte";
import { kinds } from "./kinds.svelte";
import { speech } from "./words.svelte";

/** A `FakeRoom` is a room in which a test sets what the server tells. */
export class FakeRoom<P extends Poll = Poll> {
  poll = $state.raw<P | null>(null);
  event = $state.raw<Event | null>(null);
  gone = $state.raw<Room["gone"]>(null);
  readonly link = new Link();
  again = vi.fn();
  close = vi.fn();
  #version = 1;

  /** Shows this poll as the event's current one. */
  show(poll: P) {
    this.event = {
      id: "e",
      code: "482913",
      title: "Event",
      current: poll.id,
      accent: null,
      logo: null,
      polls: [],
    } as unknown as Event;
    this.poll = poll;
    flushSync();
  }

  /** Tells of the poll on stage, as a new object. */
  told(change: Partial<P> = {}) {
    this.poll = { ...structuredClone(this.poll!), version: ++this.#version, ...change };
    flushSync();
  }
}

/** Opens the page in this room; the returned function closes it. */
export function enter(room: FakeRoom<any>): () => void {
  const target = document.createElement("div");
  document.body.replaceChildren(target);
  const props = { code: "482913", enter: () => room as unknown as Room, ballots: new Ballots() };
  const hall = mount(Hall, { target, props });
  flushSync();
  return () => void unmount(hall);
}

/** How long a new question takes no tap, in milliseconds, and a little more. */
const SETTLED = 500;

/**
 * Gives each test of a file a voter's page of its own, in English, with fake timers, in a `room` where polls of these
 * kinds are shown, and with a `booth` that takes the votes.
 */
export function onPhone<P extends Poll>(...of: P["kind"][]) {
  let booth: Booth, room: FakeRoom<P>, leave: () => void;
  beforeAll(async () => {
    await Promise.all([speech.use("en"), ...of.map((kind) => kinds.load(kind))]);
  });
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("scrollTo", () => {});
    localStorage.clear();
    sessionStorage.clear();
    booth = new Booth();
    room = new FakeRoom();
    leave = enter(room);
  });
  afterEach(async () => {
    leave();
    vi.unstubAllGlobals();
    vi.useRealTimers();
    await speech.use("en");
  });
  return {
    get booth() {
      return booth;
    },
    get room() {
      return room;
    },
    /** Opens the page anew, in a browser that has kept what was stored. */
    reload() {
      leave();
      leave = enter(room);
    },
    /** Shows this poll, and waits until it takes taps. */
    show(poll: P) {
      room.show(poll);
      vi.advanceTimersByTime(SETTLED);
      flushSync();
    },
    told: (change?: Partial<P>) => room.told(change),
  };
}
