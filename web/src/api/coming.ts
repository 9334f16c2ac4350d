// Routes that are being built; each goes once the document has it.

import type { Answer } from "./call";
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
