// The pipeline's figures beside the poll on stage, asked for every two seconds while somebody can see them.

import { getPulse } from "../api/operations";
import type { Pulse } from "../api/generated";
import { hopeless } from "../api/call";

const EVERY = 2_000;
/** Answers that may fail before the figures are no longer shown: what is old is no proof. */
const PATIENCE = 3;

export class Heartbeat {
  now = $state.raw<Pulse | null>(null);
  #failed = 0;

  /** `of`: whose pulse, and by which token it may be seen; null while there is none. */
  constructor(of: () => { id: string; token: string | null } | null) {
    let id = "";
    const beat = async () => {
      const asked = of();
      if (!asked || document.hidden) return;
      if (asked.id !== id) { this.now = null; this.#failed = 0; id = asked.id; }
      const answer = await getPulse({ path: { id }, token: asked.token });
      if (id !== of()?.id) return;
      if (answer.ok) { this.now = answer.data; this.#failed = 0; }
      else if (++this.#failed >= PATIENCE || hopeless(answer.status)) this.now = null;
    };
    const subject = $derived(of()?.id);
    $effect(() => {
      if (!subject) { this.now = null; return; }
      void beat();
      const timer = setInterval(beat, EVERY);
      return () => clearInterval(timer);
    });
  }
}
