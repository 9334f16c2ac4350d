// Reads and writes tokens as a file, to take to another device, and reads links as they are handed on.

import type { Holding } from "../../api/identity";

/** A `Token` is a secret, and what it opens. */
export type Token = Holding & { token: string };

/** Returns the text of such a file. */
export const write = (tokens: readonly Token[]): string => JSON.stringify({ pollux: "tokens", tokens }, null, 2);

/** Returns the tokens of such a file; null if it is none. */
export function readBundle(text: string): Token[] | null {
  try {
    const found = JSON.parse(text);
    if (found?.pollux !== "tokens" || !Array.isArray(found.tokens)) return null;
    return found.tokens.filter(
      (one: Partial<Token>) =>
        (one.kind === "poll" || one.kind === "event") &&
        typeof one.id === "string" &&
        typeof one.token === "string" &&
        one.id &&
        one.token,
    );
  } catch {
    return null;
  }
}

/** Returns what an owner's link says. */
export function readLink(text: string): Token | null {
  const found = new URLSearchParams(text.trim().replace(/^[^#]*#/, ""));
  const token = found.get("token"),
    poll = found.get("poll"),
    event = found.get("event");
  const id = event ?? poll;
  return token && id ? { kind: event ? "event" : "poll", id, token } : null;
}
