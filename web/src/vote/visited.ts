// Remembers where this phone was last, for "back to …" on the page for the code.

import type { Event } from "../api/generated";
import { remember } from "../ui/storage";

/** `Visited` is the event where this phone was. */
export type Visited = { code: string; title: string };

/** The name under which it is remembered. */
export const lastRoom = "last";

/** Remembers an event as the last one. */
export const visited = (event: Event) =>
  remember(lastRoom, { code: event.code ?? event.id, title: event.title } satisfies Visited);
