// Finds the address that phones can really open, and what to do when there is none.

import { getAddress } from "../api/operations";
import type { Address } from "../api/generated";

const LOOPBACK = /^(localhost|127\.|\[::1\])/;

/** The milliseconds until the server is asked again. */
const AGAIN = 3_000;

/** Knows the address for phones, as the server tells it. */
export class Doorway {
  #known = $state.raw<Address | null>(null);
  #later: ReturnType<typeof setTimeout> | undefined;
  /** Whether the server has been asked. */
  ready = $state(false);

  /** The address that phones open, without a path. */
  readonly url = $derived(this.#known?.url.replace(/\/+$/, "") ?? location.origin);
  readonly host = $derived(this.url.replace(/^https?:\/\//, ""));

  /** Why phones cannot reach this server, and what to do about it. */
  readonly fault = $derived.by(() => {
    if (this.#known) {
      const { phonesCanOpen, why, fix } = this.#known;
      return phonesCanOpen ? null : { why: why ?? "Phones cannot open this address.", fix: fix ?? "" };
    }
    // This much can be told without the server.
    return LOOPBACK.test(this.host)
      ? { why: "This machine only: phones cannot open this address.", fix: "Serve with --host 0.0.0.0." }
      : null;
  });

  link = (code: string) => `${this.url}/p/${code}`;

  /** Asks the server, which may have come back with another address. */
  async ask() {
    clearTimeout(this.#later);
    const answer = await getAddress({});
    if (answer.ok) this.#known = answer.data;
    else if (!this.#known) this.#later = setTimeout(() => void this.ask(), AGAIN);
    this.ready = true;
  }
}
