// Who is in the room, and the pipeline's figures beside the poll on stage: asked for every two seconds while
// somebody can see them.

import { untrack } from "svelte";
import { getEventPulse, getPulse } from "../api/operations";
import type { Pulse } from "../api/generated";
import { hopeless } from "../api/call";

const EVERY = 2_000;
/** Answers that may fail before the figures are no longer shown: what is old is no proof. */
const PATIENCE = 3;

export class Heartbeat {
  /** The poll's; null while there is none. */
  now = $state.raw<Pulse | null>(null);
  /** Connections that follow the event; null while nobody knows. */
  watchers = $state<number | null>(null);
  /** Whether one of them ever came from another machine. */
  elsewhere = $state(false);
  #failed = 0;

  /** `of`: whose pulse, and by which token it may be seen; null while there is no event. */
  constructor(of: () => { event: string; poll: string | null; token: string | null } | null) {
    const beat = () => {
      const asked = of();
      if (!asked || document.hidden) return;
      void this.#room(asked.event, asked.token);
      if (asked.poll) void this.#figures(asked.poll, asked.token, () => of()?.poll === asked.poll);
    };
    const subject = $derived.by(() => { const asked = of(); return asked && `${asked.event} ${asked.poll}`; });
    $effect(() => {
      this.now = null;
      this.#failed = 0;
      if (!subject) return;
      void untrack(beat);
      const timer = setInterval(beat, EVERY);
      return () => clearInterval(timer);
    });
  }

  async #room(id: string, token: string | null) {
    const answer = await getEventPulse({ path: { id }, token });
    if (!answer.ok) return;
    this.watchers = answer.data.watchers;
    this.elsewhere ||= answer.data.elsewhere;
  }

  async #figures(id: string, token: string | null, stillThere: () => boolean) {
    const answer = await getPulse({ path: { id }, token });
    if (!stillThere()) return;
    if (answer.ok) { this.now = answer.data; this.#failed = 0; }
    else if (++this.#failed >= PATIENCE || hopeless(answer.status)) this.now = null;
  }
}
