// Remembers where this phone was last, for "back to …" on the page for the code.

import type { Event } from "../api/generated";
import { remember } from "../ui/storage";

export type Visited = { code: string; title: string };

export const lastRoom = "last";

export const visited = (event: Event) =>
  remember(lastRoom, { code: event.code ?? event.id, title: event.title } satisfies Visited);
