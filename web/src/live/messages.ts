// What the server says over a WebSocket or an event stream (AsyncAPI: /api/asyncapi.json).

import type { Event, Leaderboard, Poll } from "../api/generated";

export type RankMove = { pollId: string; optionId: number; from: number | null; to: number | null };

export type Message =
  | { type: "hello"; epoch: string; polls: Poll[]; leaderboard?: Leaderboard; event?: Event }
  | { type: "poll.created" | "poll.updated" | "poll.closed"; poll: Poll }
  | { type: "event.changed"; event: Event }
  | { type: "leaderboard.changed"; leaderboard: Leaderboard; changes: RankMove[] }
  | { type: "error"; problem: { title: string; detail?: string; status?: number } };

/** The names of the event stream's events. */
export const NAMES = ["hello", "poll.created", "poll.updated", "poll.closed", "event.changed", "leaderboard.changed"];

export function parse(text: string): Message | null {
  try {
    const message = JSON.parse(text);
    return typeof message?.type === "string" ? message : null;
  } catch {
    return null;
  }
}
