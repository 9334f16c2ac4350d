// Converts between an event and its form.

import type { Problem } from "../../api/call";
import type { Event, EventPatch, NewEvent } from "../../api/generated";
import type { Said } from "../edit/said";
import { sites } from "../edit/theirs";
import type { Looks } from "./EventForm.svelte";

/** The form of a new event. */
export const BLANK: Looks = { title: "", accent: null, layout: "bars", embed: "" };

/** Returns the form of an event. */
export const looksOf = (event: Event): Looks => ({
  title: event.title,
  accent: event.accent?.toLowerCase() ?? null,
  layout: event.layout,
  embed: event.embed.join("\n"),
});

/** Returns the body of a creation. */
export const bodyOf = (looks: Looks): NewEvent => ({
  title: looks.title,
  accent: looks.accent,
  layout: looks.layout,
  embed: looks.embed.split(/[\s,]+/).filter(Boolean),
});

/** Returns a change of these fields: what somebody else has saved in the rest stays. */
export const patchOf = (looks: Looks, fields: readonly (keyof Looks)[]): EventPatch =>
  Object.fromEntries(Object.entries(bodyOf(looks)).filter(([name]) => fields.includes(name as keyof Looks)));

/** The words for each field of an event's form. */
export const EVENT: Said<Looks> = {
  title: ({ title }) => `“${title}”`,
  accent: ({ accent }) => accent ?? "no colour of its own",
  layout: ({ layout }) => (layout === "columns" ? "columns, side by side" : "bars, one below another"),
  embed: ({ embed }) => sites(embed!),
};

/** Returns the server's words by field; `/embed/0` belongs to the field of all sites. */
export const faultsOf = (problem: Problem): ReadonlyMap<string, string> =>
  new Map((problem.errors ?? []).map(({ pointer, detail }) => [pointer.replace(/^(\/\w+).*/, "$1"), detail]));
