// A deletion that is certain. Its answer has no body, so that anything on the line can give it: a poll or event is
// deleted once a read has been answered by Pollux's own 404. What is still there then is deleted again, as any change
// is whose answer was lost.

import { UNKNOWN, type Answer, type Refusal } from "../api/call";
import { persist } from "../api/change.svelte";
import type { Poll } from "../api/generated";
import { deleteEvent, deletePoll, getEvent, getPoll } from "../api/operations";

export const erasePoll = (was: Poll, token: string | null) =>
  erase(
    () => deletePoll({ path: { id: was.id }, was, token }),
    () => getPoll({ path: { id: was.id }, token }),
  );

export const eraseEvent = (id: string, token: string | null) =>
  erase(
    () => deleteEvent({ path: { id }, token }),
    () => getEvent({ path: { id }, token }),
  );

/** Delete it and look, until it is gone or refused; the refusal, if there is one. */
async function erase(
  remove: () => Promise<Answer<unknown>>,
  read: () => Promise<Answer<unknown>>,
): Promise<Refusal | null> {
  let tries = 0;
  const { answer } = await persist<Refusal | null>(async () => {
    const removed = await remove();
    // Not found by a later try, it has been deleted by an earlier one.
    const mayBeGone = removed.ok || (tries > 0 && removed.status === 404);
    tries++;
    return mayBeGone ? verdict(await read()) : { ok: true, status: 200, data: removed };
  });
  return answer.ok ? answer.data : answer;
}

/** What a read says of a deletion. */
function verdict(now: Answer<unknown>): Answer<null> {
  if (now.ok) return UNKNOWN;
  return now.status === 404 ? { ok: true, status: 204, data: null } : now;
}
