// Routes that are being built; each goes once the document has it.

import { operation, type Answer } from "./call";
import type { CreatedPoll, NewPoll, Poll } from "./generated";
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

// ---- the studio's ----

type At<B = undefined> = { url: string; path: { id: string }; query?: Record<string, string>; body?: B };

/** What a poll will have besides. */
export type Framed = { eventId?: string | null; embed?: string[] };
export type EventDraft = { title: string; accent?: string | null; layout?: string; embed?: string[] };
export type CreatedEvent = Event & { ownerToken?: string; ownerUrl?: string; stageToken?: string; stageUrl?: string };
export type StageLink = { stageToken: string; stageUrl: string };
export type NewEventToken = { eventId: string; ownerToken: string; ownerUrl: string };

export const createEvent = /*#__PURE__*/ operation<{ url: string; body: EventDraft }, CreatedEvent>("POST", "/api/events");
export const readEvent = /*#__PURE__*/ operation<At, Event>("GET", "/api/events/{id}");
export const editEvent = /*#__PURE__*/ operation<At<Partial<EventDraft> & { order?: string[] }>, Event>("PATCH", "/api/events/{id}");
export const deleteEvent = /*#__PURE__*/ operation<At, void>("DELETE", "/api/events/{id}");
export const addPoll = /*#__PURE__*/ operation<At<NewPoll | { pollId: string; pollToken: string }>, CreatedPoll>("POST", "/api/events/{id}/polls");
export const showPoll = /*#__PURE__*/ operation<At<{ poll: string | null }>, Event>("POST", "/api/events/{id}/show");
export const putLogo = /*#__PURE__*/ operation<At<Blob>, Event>("PUT", "/api/events/{id}/logo");
export const deleteLogo = /*#__PURE__*/ operation<At, Event>("DELETE", "/api/events/{id}/logo");
export const eventStage = /*#__PURE__*/ operation<At, StageLink>("POST", "/api/events/{id}/stage");
export const pollStage = /*#__PURE__*/ operation<At, StageLink>("POST", "/api/polls/{id}/stage");
export const reissueEventToken = /*#__PURE__*/ operation<At, NewEventToken>("POST", "/api/events/{id}/token");
