// Counts down how long a poll is still open, in whole seconds, by the server's clock.

import { now } from "../api/clock";

/** A close that is more than a day ahead has no countdown. */
const SHOWN = 24 * 3_600_000;

/** Counts down to a poll's close. */
export class Countdown {
  /** The milliseconds left, in whole seconds; null when nothing is to be shown. */
  left = $state<number | null>(null);

  constructor(closesAt: () => string | null | undefined) {
    const at = $derived(closesAt());
    $effect(() => {
      const end = Date.parse(at ?? "");
      const tick = () => {
        const left = end - now();
        this.left = left > SHOWN ? null : Math.max(0, Math.ceil(left / 1000) * 1000);
      };
      this.left = null;
      if (!end) return;
      tick();
      const timer = setInterval(tick, 200);
      return () => clearInterval(timer);
    });
  }
}
