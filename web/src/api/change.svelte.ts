// Sends an organiser's change until it is answered. Without an answer of Pollux the change is sent again for
// a while, and then its maker is asked whether to go on. Each change is safe to repeat: a creation has its
// `Idempotency-Key`, a change of a poll names the phase in which the poll was seen, a step of the stage names
// the poll that was on stage; the rest has the same effect however often it is sent. A new token is another
// one each time; the last of them is the one that is valid and shown.

import { hopeless, operation, SILENT, type Answer, type Ask, type Operation, type Refusal } from "./call";
import type { Event, Poll } from "./generated";
import { EVENT, POLL } from "./shapes";

/** How long a change is repeated before its maker is asked, in milliseconds. */
const LONG = 30_000;
/** The first and the longest pause between two tries, in milliseconds. */
const PAUSE = 500,
  LONGEST = 4_000;

/** `Trying` is what the page shows of changes that have no answer yet. */
class Trying {
  /** The number of changes that are being repeated. */
  under = $state(0);
  /** The changes that wait to be told whether to go on. */
  #asked: ((on: boolean) => void)[] = $state.raw([]);
  /** Whether this page asks whether to go on; a stage does not. */
  asks = false;

  readonly stuck = $derived(this.#asked.length > 0);

  /** Asks whether to go on. */
  ask(): Promise<boolean> {
    if (!this.asks) return Promise.resolve(false);
    return new Promise((answer) => {
      this.#asked = [...this.#asked, answer];
    });
  }

  decide(on: boolean) {
    const asked = this.#asked;
    this.#asked = [];
    for (const answer of asked) answer(on);
  }
}

/** The changes of this page that have no answer yet. */
export const trying = /*#__PURE__*/ new Trying();

/** A `Change` is what is sent to change something; a change of a poll brings the poll as it was seen. */
type Change<O extends Operation> = Ask<O> & { was?: Poll };
/** `Course` says what became of a change until it was refused. */
type Course = {
  /** Whether an earlier try had no answer. */
  lost: boolean;
  /** Whether a later change of the same poll or event was made on this page before this one was answered. */
  over: boolean;
};
/** Returns the answer to a refused change if what was wished has come true all the same. */
type Wish<O extends Operation, T> = (ask: Change<O>, refused: Refusal, course: Course) => Promise<Answer<T> | null>;

/** The latest change of each poll and event. */
const latest = /*#__PURE__*/ new Map<string | undefined, symbol>();

/** Returns a function that makes this change. */
export function change<O extends Operation, T>(method: string, template: O["url"], shape: unknown, wish?: Wish<O, T>) {
  const send = operation<O, T>(method, template, shape);
  return async (change: Change<O>): Promise<Answer<T>> => {
    const { was, ...ask } = change;
    const { id } = (ask as { path?: { id?: string } }).path ?? {};
    const turn = Symbol();
    latest.set(id, turn);
    const { answer, lost } = await persist(() =>
      send({
        ...ask,
        ...(was && { query: { phase: was.phase } }),
      } as unknown as Ask<O>),
    );
    if (answer.ok || !hopeless(answer.status)) return answer;
    return (await wish?.(change, answer, { lost, over: lost && latest.get(id) !== turn })) ?? told(answer);
  };
}

/** Sends until there is an answer, or until somebody decides to stop. */
export async function persist<T>(send: () => Promise<Answer<T>>): Promise<{ answer: Answer<T>; lost: boolean }> {
  let answer = await send();
  if (isFinal(answer)) return { answer, lost: false };
  do answer = await sendAgain(send, answer);
  while (!answer.status && (await trying.ask()));
  return { answer, lost: true };
}

/** Repeats for a while what has no answer. */
async function sendAgain<T>(send: () => Promise<Answer<T>>, answer: Answer<T>): Promise<Answer<T>> {
  const end = performance.now() + LONG;
  trying.under++;
  for (let pause = PAUSE; !isFinal(answer); pause = Math.min(LONGEST, 2 * pause)) {
    const wait = Math.max(pause, (answer as Refusal).retryAfter);
    if (performance.now() + wait > end) break;
    await new Promise((done) => {
      setTimeout(done, wait);
    });
    answer = await send();
  }
  trying.under--;
  return answer.ok || answer.status ? answer : { ...answer, problem: NO_ANSWER };
}

const isFinal = (answer: Answer<unknown>) => answer.ok || hopeless(answer.status);

const NO_ANSWER = {
  title: SILENT,
  detail:
    "The server does not answer, so nobody knows yet whether this was done. " +
    "What you see here is what was known before; try again",
};

const CHANGED = "/docs/errors/changed-meanwhile";

/**
 * Returns the refusal of a change whose maker went on before it was answered: what is seen now may come of
 * either.
 */
const wentOn = (refused: Refusal): Refusal => ({
  ...refused,
  problem: {
    title: "You went on meanwhile",
    detail: "You went on before this was answered, so nobody knows whether it was done. What you see is how it is now",
  },
});

/** Returns a refusal in words for whoever presses the buttons. */
const told = (refused: Refusal, what = ", so nothing was done"): Refusal =>
  refused.problem.type !== CHANGED
    ? refused
    : {
        ...refused,
        problem: {
          ...refused.problem,
          detail: `It has changed meanwhile${what}. Look at it as it is now, and try again if you still want to`,
        },
      };
/**
 * What a refusal says when a new round has begun. A browser that loses an answer on a used connection repeats
 * the request by itself, so the new round may be this page's own or somebody else's: the text does not claim
 * that nothing was done.
 */
const ANEW = ": a new round has begun";

/**
 * Returns a function that changes a poll in the phase in which it was seen. `is` tells whether the poll is as
 * it was wished.
 */
export function pollChange<O extends Operation & { path: { id: string } }>(
  template: O["url"],
  is: (now: Poll, was: Poll, lost: boolean) => boolean,
) {
  const read = operation<{ url: string }, Poll>("GET", "/api/polls/{id}", POLL);
  return change<O, Poll>("POST", template, POLL, async ({ path, token, was }, refused, { lost, over }) => {
    if (refused.status !== 409 || !was) return null;
    const { answer: now } = await persist(() => read({ path, token } as Ask<{ url: string }>));
    if (now.ok && is(now.data, was, lost)) return now;
    return over ? wentOn(refused) : now.ok && now.data.round > was.round ? told(refused, ANEW) : null;
  });
}

/** Answers a refused deletion: what does not exist any more is deleted. */
export const gone = async <T>(_: unknown, { status }: Refusal, { lost }: Course): Promise<Answer<T> | null> =>
  status === 404 && lost ? { ok: true, status: 204, data: null as T } : null;

/** Answers a refused step of the stage: the step is made if that poll is on stage, whoever showed it. */
export async function step(
  { path, body, token }: { path: { id: string }; body: { poll: string | null }; token?: string | null },
  refused: Refusal,
  { over }: Course,
): Promise<Answer<Event> | null> {
  if (refused.status !== 409) return null;
  const read = operation<{ url: string }, Event>("GET", "/api/events/{id}", EVENT);
  const { answer: now } = await persist(() => read({ path, token } as Ask<{ url: string }>));
  return now.ok && now.data.current === body.poll ? now : over ? wentOn(refused) : null;
}
