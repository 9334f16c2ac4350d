// Answers as Pollux gives them, for tests.

import type { Choice, Poll } from "./generated";

/** An open poll in which five have voted; the polls of other tests are this one with members of their own. */
export const POLL: Extract<Poll, Choice> = {
  id: "0199aaaa-0000-7000-8000-000000000001",
  code: "482913",
  question: "Which?",
  kind: "single",
  status: "open",
  final: false,
  round: 1,
  phase: 1,
  revote: "replace",
  maxChoices: 1,
  results: "live",
  turnout: "shown",
  revealed: true,
  options: [
    { id: 1, text: "One", votes: 2 },
    { id: 2, text: "Two", votes: 3 },
  ],
  totalVotes: 5,
  totalVoters: 5,
  version: 1,
  listed: true,
  voterIds: true,
  createdAt: "2026-01-01T00:00:00Z",
  closesAt: null,
  closesAfter: null,
  missedClosesAt: null,
  closedAt: null,
  eventId: null,
  embed: [],
  resultHash: null,
};

/** Returns a refusal as Pollux words it. */
export const refusal = (
  status: number,
  slug = "no-such-poll",
  more: object = {},
  headers: Record<string, string> = {},
) =>
  Response.json(
    { type: `/docs/errors/${slug}`, title: "Trouble", status, detail: "what is wrong", ...more },
    { status, headers: { "Content-Type": "application/problem+json", ...headers } },
  );
