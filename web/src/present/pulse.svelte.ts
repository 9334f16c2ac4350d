// Counts who is in the room. The server is asked every two seconds while somebody can see the page.

import { untrack } from "svelte";
import { getEventPulse } from "../api/operations";

const EVERY = 2_000;

/** Asks regularly how many people watch an event. */
export class Heartbeat {
  /** The number of connections that follow the event; null while it is not known. */
  watchers = $state<number | null>(null);
  /** Whether one of these connections ever came from another machine. */
  elsewhere = $state(false);

  /** `of` returns whose pulse it is, and the token by which it may be seen; null while there is no event. */
  constructor(of: () => { event: string; token: string | null } | null) {
    const beat = () => {
      const asked = of();
      if (asked && !document.hidden) void this.#ask(asked.event, asked.token);
    };
    const event = $derived.by(() => of()?.event ?? null);
    $effect(() => {
      if (!event) return;
      untrack(beat);
      const timer = setInterval(beat, EVERY);
      return () => clearInterval(timer);
    });
  }

  async #ask(id: string, token: string | null) {
    const answer = await getEventPulse({ path: { id }, token });
    if (!answer.ok) return;
    this.watchers = answer.data.watchers;
    this.elsewhere ||= answer.data.elsewhere;
  }
}
