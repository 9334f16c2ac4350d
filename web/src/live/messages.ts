// Describes the messages that the server sends over a WebSocket or an event stream (AsyncAPI:
// /api/asyncapi.json).

import type { Event, Leaderboard, Poll } from "../api/generated";
import { EVENT, LEADERBOARD, like, POLL } from "../api/shapes";

/** A `Message` is what the server sends over a socket or a stream. */
export type Message =
  | { type: "hello"; epoch: string; polls: Poll[]; leaderboard?: Leaderboard; event?: Event }
  | { type: "poll.created" | "poll.updated" | "poll.closed"; poll: Poll }
  | { type: "event.changed"; event: Event }
  | { type: "leaderboard.changed"; leaderboard: Leaderboard };

const ONE_POLL = { poll: POLL },
  BOARD = { leaderboard: LEADERBOARD };
const SHAPES: Record<Message["type"], object> = {
  hello: { epoch: "", polls: [POLL] },
  "poll.created": ONE_POLL,
  "poll.updated": ONE_POLL,
  "poll.closed": ONE_POLL,
  "event.changed": { event: EVENT },
  "leaderboard.changed": BOARD,
};
/** The names of all messages, which are also the names of the event stream's events. */
export const NAMES = Object.keys(SHAPES) as Message["type"][];

/** Returns the message that a text is; null for what is none of ours, whoever says it. */
export function parse(text: string): Message | null {
  try {
    const message = JSON.parse(text);
    const name = NAMES.find((one) => one === message.type);
    const more = { ...(message.event && { event: EVENT }), ...(message.leaderboard && BOARD) };
    return name && like({ ...SHAPES[name], ...more }, message) ? message : null;
  } catch {
    return null;
  }
}
