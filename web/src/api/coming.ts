// Routes that are being built; each goes once the document has it.

import { operation, type Answer } from "./call";
import type { Poll } from "./generated";
import { getPoll } from "./operations";

export type EventPoll = { id: string; question: string; kind: string; status: string; final: boolean; revealed: boolean };
export type Event = {
  id: string; code: string | null; title: string; accent: string | null; layout: string; logo: string | null;
  current: string | null; polls: EventPoll[]; embed: string[]; lone: boolean; version: number; createdAt: string;
};

/** An event of one around a poll. */
const lone = (poll: Poll): Event => ({
  id: poll.id, code: poll.code ?? null, title: poll.question, accent: null, layout: "bars", logo: null,
  current: poll.id, embed: [], lone: true, version: poll.version, createdAt: poll.createdAt, polls: [poll],
});

export async function getEvent(ask: { path: { id: string }; token?: string | null }): Promise<Answer<Event>> {
  const answer = await getPoll(ask);
  return answer.ok ? { ...answer, data: lone(answer.data) } : answer;
}

// What the stage asks besides.

type On<Body = undefined> = { url: string; path: { id: string }; body?: Body };

/** Figures of the pipeline, beside a poll; null where the public may not see them. */
export type Pulse = {
  watchers: number | null; elsewhere: boolean;
  acknowledged: number | null; counted: number | null; inFlight: number | null;
  voteToScreen: { p50Ms: number; p99Ms: number; samples: number } | null;
  resultHash: string | null;
};
export type Replay = { from: string; to: string; voters: number; frames: { at: string; votes: number[] }[] };
export type Address = { url: string; phonesCanOpen: boolean; why: string | null; fix: string | null };

export const getPulse = /*#__PURE__*/ operation<On, Pulse>("GET", "/api/polls/{id}/pulse");
export const getReplay = /*#__PURE__*/ operation<On, Replay>("GET", "/api/polls/{id}/replay");
export const getAddress = /*#__PURE__*/ operation<{ url: string }, Address>("GET", "/api/address");
export const showPoll = /*#__PURE__*/ operation<On<{ poll: string | null }>, Event>("POST", "/api/events/{id}/show");
