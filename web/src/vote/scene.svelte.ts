// Decides what stands on the page of a room, and when it gives way to what.

import type { Poll } from "../api/generated";
import type { Room } from "../live/room.svelte";
import { kinds } from "./kinds.svelte";

/** Decides what stands on the page of one room. */
export class Scene {
  /** Whether a code is being typed, which stays whatever comes on stage. */
  types = $state(false);
  #room: Room;
  #before = "";
  #last = "";
  #lastBelow = "";

  constructor(room: Room) {
    this.#room = room;
  }

  /** The id of the poll that is shown; "gone", "waiting", or "" while nobody knows. */
  readonly shown = $derived.by(() => {
    const now = this.#next();
    if (now !== this.#last) [this.#before, this.#last] = [this.#last, now];
    return now;
  });

  /**
   * What the page's foot belongs to. The foot is made anew when that changes, and so does not count as having
   * moved; it stays while somebody is in it.
   */
  readonly below = $derived.by(() => {
    const now = this.shown;
    return document.activeElement?.closest("footer") ? this.#lastBelow : (this.#lastBelow = now);
  });

  /** Whether something else was shown before. */
  get followed(): boolean {
    return this.#before !== "";
  }

  #next(): string {
    const { gone, poll, event } = this.#room;
    if (gone || this.types) return "gone";
    if (poll) return this.#poll(poll);
    return event && !event.current ? "waiting" : "";
  }

  /** Returns what is shown: the poll, or what is there now until the poll's kind has come. */
  #poll({ id, kind }: Poll): string {
    return kinds.of(kind) ? id : this.#last;
  }
}
