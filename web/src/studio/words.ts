// Numbers, times and states in words.

import type { Poll } from "./desk.svelte";

const WHOLE = new Intl.NumberFormat("en");
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const number = (value: number): string => WHOLE.format(value);
export const compact = (value: number): string => (value < 10_000 ? number(value) : SHORT.format(value));
export const plural = (count: number, one: string, many = `${one}s`): string => `${number(count)} ${count === 1 ? one : many}`;

/** A part of a whole, from 0 to 1; of nothing it is nothing. */
export const share = (votes: number | null, of: number | null): number => (votes && of ? votes / of : 0);
export const percent = (part: number): string => `${part > 0 && part < 0.01 ? "<1" : Math.round(part * 100)} %`;

export const rate = (perSecond: number): string =>
  (perSecond && perSecond < 10 ? perSecond.toFixed(1) : number(Math.round(perSecond)));

/** A code is read out in threes. */
export const spoken = (code: string): string => code.replace(/^(\d{3})(?=\d{3}$)/, "$1 ");

const UNITS = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]] as const;

/** A length of time by its two greatest units. */
export function lasting(seconds: number): string {
  let left = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    if (count || (size === 1 && !parts.length)) parts.push(`${count} ${unit}`);
    else if (parts.length) break;
    left -= count * size;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

export const ago = (at: string | null | undefined, now = Date.now()): string => {
  if (!at) return "never";
  const seconds = (now - Date.parse(at)) / 1000;
  return seconds < 2 ? "just now" : `${lasting(seconds)} ago`;
};

export const day = (at: string): string =>
  new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));

/** How a poll stands, for a badge: what it is called, and which colour that has. */
export function standing(poll: Pick<Poll, "status" | "final">): { word: string; tone: "open" | "draft" | "closed" } {
  if (poll.status === "draft") return { word: "Draft", tone: "draft" };
  if (poll.status === "open") return { word: "Open", tone: "open" };
  return { word: poll.final ? "Final" : "Closing", tone: "closed" };
}

/** Who sees the numbers, as the organiser chose it. */
export function audience(poll: Pick<Poll, "results" | "revealed">): string {
  if (poll.results === "live") return "everybody, all the time";
  if (poll.revealed) return "everybody, since you revealed them";
  return poll.results === "afterVote" ? "those who have voted" : "only you, until you reveal them";
}
