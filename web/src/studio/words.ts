// Puts numbers, times and states into words.

import { counted, lasting } from "../ui/numbers";
import type { Poll } from "../api/generated";

export { compact, decimal, lasting, number, percent, rate, share, spoken } from "../ui/numbers";

export const plural = (count: number, one: string, many = `${one}s`): string => counted(count, one, many);

/**
 * Returns figures set flush right where they grow: figure spaces, as wide as a digit, keep their beginning
 * where it is.
 */
export const flush = (figures: string, width: number): string => figures.padStart(width, "\u2007");

/** Returns when a poll that has not opened yet closes by itself; empty if it does not. */
export const limit = (poll: Pick<Poll, "closesAfter" | "closesAt">): string => {
  if (poll.closesAfter !== null) return `closes ${lasting(poll.closesAfter)} after it opens`;
  return poll.closesAt ? `closes on ${day(poll.closesAt)}` : "";
};

/** Writes how long ago something was. */
export const ago = (at: string | null | undefined, now = Date.now()): string => {
  if (!at) return "never";
  const seconds = (now - Date.parse(at)) / 1000;
  return seconds < 2 ? "just now" : `${lasting(seconds)} ago`;
};

/** Writes a moment with its day. */
export const day = (at: string): string =>
  new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));

/** Returns how a poll stands, for a badge: the word, and the tone that gives its colour. */
export function standing(poll: Pick<Poll, "status" | "final">): { word: string; tone: "open" | "draft" | "closed" } {
  if (poll.status === "draft") return { word: "Draft", tone: "draft" };
  if (poll.status === "open") return { word: "Open", tone: "open" };
  return { word: poll.final ? "Final" : "Closing", tone: "closed" };
}

/** Returns who sees the numbers, as the organiser chose it. */
export function audience(poll: Pick<Poll, "results" | "revealed">): string {
  if (poll.results === "live") return "everybody, all the time";
  if (poll.revealed) return "everybody, since you revealed them";
  return poll.results === "afterVote" ? "those who have voted" : "only you, until you reveal them";
}
