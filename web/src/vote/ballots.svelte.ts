// Keeps all ballots of this device: that of the poll which is shown, and those of earlier polls that still
// wait to be sent. They are sent whatever is on the screen.

import type { Poll } from "../api/generated";
import { madeAt } from "../api/uuid";
import { changedName, forget, recall, remembered } from "../ui/storage";
import { Ballot, type Kept } from "./ballot.svelte";

const NAME = "ballot.";
/** The longest that a device remembers a ballot, in milliseconds. */
const KEPT = 60 * 24 * 3600 * 1000;
/**
 * The milliseconds over which phones spread their sending, so that those that come back together do not send
 * at the same moment.
 */
const SPREAD = 400;

/** Keeps the ballots of this device, by poll. */
export class Ballots {
  #all = $state.raw<ReadonlyMap<string, Ballot>>(new Map());

  constructor() {
    for (const poll of remembered(NAME)) this.#revive(NAME + poll);
    const go = () => this.#all.forEach((ballot) => ballot.go());
    addEventListener("online", () => setTimeout(go, Math.random() * SPREAD));
    addEventListener("pageshow", (event) => {
      if (event.persisted) go();
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) go();
    });
    addEventListener("storage", (event) => {
      const name = changedName(event);
      if (name?.startsWith(NAME)) this.#all.get(name.slice(NAME.length))?.heard();
    });
  }

  /** Returns the ballot of a poll. */
  of(poll: Poll): Ballot {
    const ballot = this.#all.get(poll.id) ?? this.#add(poll.id);
    ballot.named = poll.voterIds;
    ballot.round(poll.round);
    return ballot;
  }

  /** Returns how many ballots of other polls wait to be sent. */
  waiting(shown: Ballot): number {
    return [...this.#all.values()].filter((ballot) => ballot !== shown && ballot.pending).length;
  }

  #revive(name: string) {
    const kept = recall<Kept>(name);
    const made = madeAt(kept?.last ?? "");
    if (kept?.state === "sending" || kept?.state === "failed") this.#add(name.slice(NAME.length));
    else if (made && Date.now() - made > KEPT) forget(name);
  }

  #add(id: string): Ballot {
    const ballot = new Ballot(id);
    this.#all = new Map(this.#all).set(id, ballot);
    ballot.go();
    return ballot;
  }
}
