// Routes the studio: addresses below `/studio`, changed without loading the page anew.

import { decoded } from "../ui/address";

/** A `Route` names a page of the studio. */
export type Route =
  | { page: "overview" | "access" | "health" | "new-event" }
  | { page: "new"; from: string | null; event: string | null }
  | { page: "poll" | "event" | "sheet"; id: string };

/** Returns the page at an address. */
export function read(path: string, search = ""): Route {
  const [, , first, second, third] = path.split("/");
  const id = second ? decoded(second) : "";
  const asked = new URLSearchParams(search);
  if (first === "polls" && id) return { page: third === "sheet" ? "sheet" : "poll", id };
  if (first === "events" && id) return { page: third === "sheet" ? "sheet" : "event", id };
  if (first === "new" && second === "event") return { page: "new-event" };
  if (first === "new") return { page: "new", from: asked.get("from"), event: asked.get("event") };
  if (first === "health" || first === "access") return { page: first };
  return { page: "overview" };
}

/** Knows which page is shown, and leads to another one. */
export class Router {
  path = $state(location.pathname);
  search = $state(location.search);
  readonly route = $derived(read(this.path, this.search));

  #closed = new AbortController();

  constructor() {
    const { signal } = this.#closed;
    addEventListener("popstate", () => this.#look(), { signal });
    document.addEventListener("click", (event) => this.#click(event), { signal });
  }

  go = (address: string, { replace = false } = {}) => {
    history[replace ? "replaceState" : "pushState"](null, "", address);
    this.#look();
    if (!replace) scrollTo(0, 0);
  };

  close() {
    this.#closed.abort();
  }

  #look() {
    this.path = location.pathname;
    this.search = location.search;
  }

  /** Follows links within the studio without a request; with a modifier key they are the browser's. */
  #click(event: MouseEvent) {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
      return;
    const link = (event.target as Element | null)?.closest?.("a");
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (!/^\/studio(\/|$)/.test(link.pathname) || link.hash) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  }
}
