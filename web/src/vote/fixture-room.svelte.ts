// Plays a room of one event, as tests of the voter's page have it, and the page in it.

import { flushSync, mount, unmount } from "svelte";
import { vi } from "vitest";
import type { Event, Poll } from "../api/generated";
import { Link } from "../live/link.svelte";
import type { Room } from "../live/room.svelte";
import { Ballots } from "./ballots.svelte";
import Hall from "./Hall.svelte";

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
