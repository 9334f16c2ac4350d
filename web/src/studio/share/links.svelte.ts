// Builds the links of a poll or event that are given to people, at the address where phones can really open
// them.

import type { Address } from "../../api/generated";
import { getAddress } from "../../api/operations";

/** The milliseconds until the server is asked again. */
const AGAIN = 3_000;

class Links {
  address = $state.raw<Address | null>(null);
  readonly base = $derived((this.address?.url ?? location.origin).replace(/\/$/, ""));
  /** Why phones cannot open the links, and what to do; empty if they can. */
  readonly warning = $derived(
    this.address && !this.address.phonesCanOpen
      ? [this.address.why, this.address.fix].filter(Boolean).join(". ") || "Phones cannot open this address."
      : "",
  );
  #asked = false;

  /** Asks the server, until it answers, at which address it can be reached from elsewhere. */
  ask() {
    if (this.#asked) return;
    this.#asked = true;
    void getAddress({}).then((answer) => {
      if (answer.ok) this.address = answer.data;
      else this.#asked = false;
      // Without an answer links name the address of this page, which may be one that phones cannot open.
      if (!answer.ok) setTimeout(() => this.ask(), AGAIN);
    });
  }

  join = (code: string) => `${this.base}/p/${code}`;
  owner = (kind: "poll" | "event", id: string, token: string) => `${this.base}/studio#${kind}=${id}&token=${token}`;
  frame = (id: string, title: string) => {
    const safe = title.replace(/[<>"&]/g, (sign) => `&#${sign.charCodeAt(0)};`);
    const look = `width="640" height="360" loading="lazy" style="border:0"`;
    return `<iframe src="${this.base}/embed/${id}" title="${safe}" ${look}></iframe>`;
  };
}

/** The links of this server. */
export const links = new Links();

/** Hands a file to the browser to be saved. */
export function save(file: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser reads the file after this; a minute is long enough, and nothing is held for ever.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
