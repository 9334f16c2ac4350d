// Deletes for certain. The answer to a deletion has no body, so anything on the line can give it: a poll or
// event counts as deleted once Pollux's own 404 has answered a read. What is still there then is deleted
// again, like any change whose answer was lost.

import { UNKNOWN, type Answer, type Refusal } from "../api/call";
import { persist } from "../api/change.svelte";
import type { Poll } from "../api/generated";
import { deleteEvent, deletePoll, getEvent, getPoll } from "../api/operations";

/** Deletes a poll; returns the refusal, if there is one. */
export const erasePoll = (was: Poll, token: string | null) =>
  erase(
    () => deletePoll({ path: { id: was.id }, was, token }),
    () => getPoll({ path: { id: was.id }, token }),
  );

/** Deletes an event; returns the refusal, if there is one. */
export const eraseEvent = (id: string, token: string | null) =>
  erase(
    () => deleteEvent({ path: { id }, token }),
    () => getEvent({ path: { id }, token }),
  );

/** Deletes it and looks, until it is gone or refused; returns the refusal, if there is one. */
async function erase(
  remove: () => Promise<Answer<unknown>>,
  read: () => Promise<Answer<unknown>>,
): Promise<Refusal | null> {
  let tries = 0;
  const { answer } = await persist<Refusal | null>(async () => {
    const removed = await remove();
    // What a later try does not find, an earlier one has deleted.
    const mayBeGone = removed.ok || (tries > 0 && removed.status === 404);
    tries++;
    return mayBeGone ? verdict(await read()) : { ok: true, status: 200, data: removed };
  });
  return answer.ok ? answer.data : answer;
}

/** Returns what a read says of a deletion. */
function verdict(now: Answer<unknown>): Answer<null> {
  if (now.ok) return UNKNOWN;
  return now.status === 404 ? { ok: true, status: 204, data: null } : now;
}
