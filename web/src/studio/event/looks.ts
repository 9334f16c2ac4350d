// Between an event and its form.

import type { Problem } from "../../api/call";
import type { Event, NewEvent } from "../../api/generated";
import type { Looks } from "./EventForm.svelte";

export const BLANK: Looks = { title: "", accent: null, layout: "bars", embed: "" };

export const looksOf = (event: Event): Looks =>
  ({ title: event.title, accent: event.accent?.toLowerCase() ?? null, layout: event.layout, embed: event.embed.join("\n") });

export const bodyOf = (looks: Looks): NewEvent =>
  ({ title: looks.title, accent: looks.accent, layout: looks.layout, embed: looks.embed.split(/[\s,]+/).filter(Boolean) });

/** The server's words by field; `/embed/0` belongs to the field of all. */
export const faultsOf = (problem: Problem): ReadonlyMap<string, string> =>
  new Map((problem.errors ?? []).map(({ pointer, detail }) => [pointer.replace(/^(\/\w+).*/, "$1"), detail]));
