// What tests of this page share: polls, and a browser that lets nobody store anything.

import { vi } from "vitest";
import type { Poll } from "../api/generated";

const TEXTS = ["One", "Two", "Three"];

/** A poll with these votes; null: hidden. */
export function makePoll(votes: number[] | null, rest: Partial<Poll> = {}): Poll {
  const total = votes && votes.reduce((a, b) => a + b, 0);
  return {
    id: "0199aaaa-0000-7000-8000-000000000001", code: "482913", question: "Which?", kind: "single", status: "open", final: false,
    round: 1, revote: "replace", maxChoices: 1, results: "live", revealed: votes !== null,
    options: TEXTS.slice(0, votes?.length ?? 2).map((text, i) => ({ id: i + 1, text, votes: votes ? votes[i]! : null })),
    totalVotes: total, totalVoters: total, version: 1, listed: true, voterIds: true, createdAt: "2026-01-01T00:00:00Z",
    closesAt: null, closedAt: null, eventId: null, embed: [], resultHash: null, ...rest,
  };
}

/** Until `vi.unstubAllGlobals()`. */
export const withoutStorage = () =>
  vi.stubGlobal("localStorage", new Proxy({}, { get() { throw new DOMException("denied", "SecurityError"); } }));
