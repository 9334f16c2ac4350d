// Tells where on this page somebody is: entering a code, or in a poll. Going from one to the other reloads
// nothing.

import { decoded } from "../ui/address";

/** Knows the place that the address names. */
export class Place {
  #path = $state.raw(location.pathname);
  /** Whether this place was reached from within the page. */
  moved = false;

  constructor() {
    addEventListener("popstate", () => this.#show());
  }

  /** The event or poll in the address, by id or code. */
  get code(): string | null {
    const part = /^\/(?:p|polls)\/([^/]+)$/.exec(this.#path)?.[1];
    return part === undefined ? null : decoded(part);
  }

  go(path: string) {
    if (path !== location.pathname) history.pushState(null, "", path);
    this.#show();
  }

  /** Handles a press on a link of this page. */
  follow = (event: MouseEvent) => {
    const link = event.currentTarget as HTMLAnchorElement;
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.go(link.pathname);
  };

  #show() {
    this.moved = true;
    this.#path = location.pathname;
    scrollTo(0, 0);
  }
}

/** The place of this page. */
export const place = new Place();
