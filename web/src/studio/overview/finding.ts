// Decides what the overview lists: events with their polls and lone polls, newest first, searched and
// filtered.

import type { Event, Poll } from "../../api/generated";
import { textsOf } from "../../kinds/kind";

export const FILTERS = ["all", "open", "draft", "closed"] as const;
export type Filter = (typeof FILTERS)[number];
/** An `Entry` is an event with those of its polls that were found, or a lone poll. */
export type Entry = { id: string; event: Event | null; polls: Poll[] };

const plain = (text: string) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

function matches(poll: Poll, words: string[]): boolean {
  const text = plain([poll.question, poll.code, poll.status, ...textsOf(poll)].join(" "));
  return words.every((word) => text.includes(word));
}

/** Returns what the overview lists. */
export function find(polls: readonly Poll[], events: readonly Event[], search: string, filter: Filter): Entry[] {
  // A code may be typed as it is read aloud: 482 913.
  const words = plain(search.replace(/(\d)[ -](?=\d)/g, "$1"))
    .split(/\s+/)
    .filter(Boolean);
  const fits = (poll: Poll, inside = words) => (filter === "all" || poll.status === filter) && matches(poll, inside);
  const known = new Map(polls.map((poll) => [poll.id, poll]));
  const grouped = new Set(events.flatMap((event) => event.polls.map((poll) => poll.id)));
  const entries = events
    .map((event): Entry => {
      const named = words.filter((word) => !plain(`${event.title} ${event.code ?? ""}`).includes(word));
      const of = event.polls.flatMap(({ id }) => known.get(id) ?? []);
      return { id: event.id, event, polls: of.filter((poll) => fits(poll, named)) };
    })
    .filter(
      (entry) =>
        entry.polls.length > 0 ||
        (filter === "all" && !words.length) ||
        (filter === "all" &&
          words.every((word) => plain(`${entry.event!.title} ${entry.event!.code ?? ""}`).includes(word))),
    );
  const lone = polls
    .filter((poll) => !grouped.has(poll.id) && fits(poll))
    .map((poll) => ({ id: poll.id, event: null, polls: [poll] }));
  return [...entries, ...lone].sort((a, b) => (a.id < b.id ? 1 : -1));
}
