// Tests that a change without an answer is sent again, is made once, and reports how it ends.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Answer } from "./call";
import { explain } from "./call";
import { trying } from "./change.svelte";
import { POLL, refusal } from "./fixture";
import type { Poll } from "./generated";
import { keyFor, over } from "./intention";
import {
  closePoll,
  createEvent,
  deletePoll,
  openPoll,
  reopenPoll,
  resetPoll,
  revealPoll,
  showPoll,
} from "./operations";

const was: Poll = { ...POLL, phase: 5, round: 2 };
const path = { id: was.id };
const EVENT = { id: "e", title: "Conf", current: "a", lone: false, version: 1, polls: [] };

type Reply = () => Response | Promise<Response>;
let asked: { method: string; path: string; headers: Record<string, string>; body?: string }[];
/** How changes are answered, in turn, the last one for all that follow; and how reads are answered. */
let answers: Reply[], read: Reply;
const lost = () => Promise.reject(new TypeError("Failed to fetch"));
const stale = () =>
  refusal(409, "changed-meanwhile", { detail: "the poll is in phase 6, not in 5; nothing was changed" });
const changes = () => asked.filter(({ method }) => method !== "GET");
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  [asked, answers, read] = [[], [], () => Response.json(was)];
  vi.stubGlobal("fetch", async (path: string, { method, headers, body }: RequestInit) => {
    asked.push({ method: method!, path, headers: headers as Record<string, string>, body: body as string });
    if (method === "GET") return read();
    return (answers.length > 1 ? answers.shift()! : answers[0]!)();
  });
});
afterEach(() => {
  trying.asks = false;
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Returns what an answer comes to within a minute. */
async function come<T>(answer: Promise<Answer<T>>) {
  await pass(60_000);
  return answer;
}

test.each<[string, Reply]>([
  ["no answer", lost],
  ["a portal's page", () => new Response("<html>", { headers: { "Content-Type": "text/html" } })],
  ["a proxy's 404", () => new Response("nothing here", { status: 404 })],
  ["504 of ours", () => refusal(504, "change-unknown")],
  ["503 of ours", () => refusal(503, "store-unavailable")],
])("%s: sent again by itself, quietly, until there is one", async (_, reply) => {
  answers = [reply, reply, () => Response.json({ ...was, status: "closed" })];
  const answer = closePoll({ path, was, token: "t" });
  await pass(10);
  expect(trying.under).toBe(1);
  expect((await come(answer)).ok).toBe(true);
  expect(changes().map((one) => one.path)).toEqual(Array(3).fill(`/api/polls/${was.id}/close?phase=5`));
  expect(trying.under).toBe(0);
});

test("an answer is an answer: it is not sent again", async () => {
  answers = [() => refusal(422, "rules-broken")];
  expect(await come(openPoll({ path, was, token: "t" }))).toMatchObject({ ok: false, status: 422 });
  expect(changes()).toHaveLength(1);
});

test("a reset whose answer is lost is made once, and counts as made", async () => {
  answers = [lost, stale];
  read = () => Response.json({ ...was, phase: 6, round: 3 });
  expect(await come(resetPoll({ path, was, token: "t" }))).toMatchObject({ ok: true, data: { round: 3 } });
  expect(changes().map((one) => one.path)).toEqual(Array(2).fill(`/api/polls/${was.id}/reset?phase=5`));
});

test("a reset that somebody else was faster with is told, and may have been the browser's own", async () => {
  answers = [stale];
  read = () => Response.json({ ...was, phase: 6, round: 3 });
  const answer = await come(resetPoll({ path, was, token: "t" }));
  expect(answer).toMatchObject({ ok: false, status: 409 });
  expect(explain((answer as { problem: { title: string } }).problem)).toMatch(
    /^It has changed meanwhile: a new round has begun\. Look at it/,
  );
});

test("a reset of a poll that was closed meanwhile is not made, and told", async () => {
  answers = [stale];
  read = () => Response.json({ ...was, phase: 6, status: "closed" });
  const answer = await come(resetPoll({ path, was, token: "t" }));
  expect(answer).toMatchObject({ ok: false, status: 409 });
  expect(explain((answer as { problem: { title: string } }).problem)).toMatch(
    /^It has changed meanwhile, so nothing was done/,
  );
});

test("a reset that was lost, and somebody else closed the poll: not made, and told", async () => {
  answers = [lost, stale];
  read = () => Response.json({ ...was, phase: 6, status: "closed" });
  expect(await come(resetPoll({ path, was, token: "t" }))).toMatchObject({ ok: false, status: 409 });
});

test("whoever goes on before a lost answer has come is told that nobody knows of the change before", async () => {
  // The poll is closed, which the screen shows before the answer comes, if it comes; then it is opened again.
  answers = [lost];
  const close = closePoll({ path, was, token: "t" });
  await pass(100);
  const reopened = { ...was, phase: 7, status: "open" };
  answers = [() => Response.json(reopened)];
  expect((await reopenPoll({ path, was: { ...was, phase: 6, status: "closed" }, token: "t" })).ok).toBe(true);
  answers = [stale];
  read = () => Response.json(reopened);
  const answer = await come(close);
  expect(answer).toMatchObject({ ok: false, status: 409 });
  expect(explain((answer as { problem: { title: string } }).problem)).toMatch(/^You went on before this was answered/);
});

test("whoever goes on from a step is told the same; what was wished and is so is done, whoever went on", async () => {
  const show = (poll: string, from: string) => showPoll({ path: { id: "e" }, body: { poll, from }, token: "t" });
  answers = [lost];
  const first = show("b", "a");
  await pass(100);
  answers = [() => Response.json({ ...EVENT, current: "c" })];
  expect((await show("c", "b")).ok).toBe(true);
  answers = [stale];
  read = () => Response.json({ ...EVENT, current: "c" });
  expect(await come(first)).toMatchObject({ ok: false, problem: { title: "You went on meanwhile" } });
  answers = [lost];
  const close = closePoll({ path, was, token: "t" });
  await pass(100);
  const closed = { ...was, phase: 8, status: "closed" };
  answers = [() => Response.json(closed)];
  expect((await closePoll({ path, was: { ...was, phase: 7 }, token: "t" })).ok).toBe(true);
  answers = [stale];
  read = () => Response.json(closed);
  expect(await come(close)).toMatchObject({ ok: true, data: { status: "closed" } });
});

test("what is read after a refusal is asked for until Pollux says it", async () => {
  answers = [lost, stale];
  const said = [() => new Response("<html>", { headers: { "Content-Type": "text/html" } }), lost];
  read = () => (said.shift() ?? (() => Response.json({ ...was, phase: 6, round: 3 })))();
  expect(await come(resetPoll({ path, was, token: "t" }))).toMatchObject({ ok: true, data: { round: 3 } });
});

test("a reveal is meant for every phase: the poll may have closed at that moment", async () => {
  answers = [lost, () => Response.json({ ...was, phase: 6, status: "closed" })];
  expect((await come(revealPoll({ path, was, token: "t" }))).ok).toBe(true);
  expect(changes().map((one) => one.path)).toEqual(Array(2).fill(`/api/polls/${was.id}/reveal`));
});

test("two who close: closed is what both wished", async () => {
  answers = [stale];
  read = () => Response.json({ ...was, phase: 6, status: "closed" });
  expect(await come(closePoll({ path, was, token: "t" }))).toMatchObject({ ok: true, data: { status: "closed" } });
});

test("what is not there any more after a deletion whose answer is lost is deleted", async () => {
  answers = [lost, () => refusal(404)];
  expect((await come(deletePoll({ path, was, token: "t" }))).ok).toBe(true);
  answers = [() => refusal(404)];
  expect((await come(deletePoll({ path, was, token: "t" }))).ok).toBe(false);
});

test("a step says what is on stage; one that is there was made, another one is told", async () => {
  const ask = { path: { id: "e" }, body: { poll: "b", from: "a" }, token: "t" };
  answers = [lost, stale];
  read = () => Response.json({ ...EVENT, current: "b" });
  expect(await come(showPoll(ask))).toMatchObject({ ok: true, data: { current: "b" } });
  expect(changes().map((one) => one.body)).toEqual(Array(2).fill(JSON.stringify(ask.body)));
  answers = [lost, stale];
  read = () => Response.json({ ...EVENT, current: "c" });
  expect(await come(showPoll(ask))).toMatchObject({ ok: false, status: 409 });
});

test("a creation keeps its key over retries, a second press and a reload, until it is made", async () => {
  const body = { title: "Conf" };
  const make = () => createEvent({ body, headers: { "Idempotency-Key": keyFor("event", body) } });
  answers = [lost];
  expect((await come(make())).ok).toBe(false);
  answers = [() => Response.json(EVENT, { status: 201 })];
  expect((await come(make())).ok).toBe(true);
  const keys = changes().map(({ headers }) => headers["Idempotency-Key"]);
  expect(new Set(keys).size).toBe(1);
  // A new module stands for another load of the page: only what the device remembers is left.
  vi.resetModules();
  const anew: typeof import("./intention") = await import("./intention");
  expect(anew.keyFor("event", body)).toBe(keys[0]);
  expect(keyFor("event", { title: "Other" })).not.toBe(keys[0]);
  const next = keyFor("event", body);
  over("event");
  expect(keyFor("event", body)).not.toBe(next);
});

test("given up after half a minute, in a clear sentence, where nobody is asked", async () => {
  answers = [lost];
  const answer = await come(closePoll({ path, was, token: "t" }));
  expect(answer).toMatchObject({ ok: false, status: 0 });
  expect(explain((answer as { problem: { title: string } }).problem)).toMatch(/nobody knows yet whether this was done/);
  expect(changes().length).toBeGreaterThan(5);
  expect(changes().length).toBeLessThan(15);
  expect(trying.under).toBe(0);
});

test("where somebody is asked, it goes on or is left as they say", async () => {
  trying.asks = true;
  answers = [lost];
  const answer = closePoll({ path, was, token: "t" });
  await pass(40_000);
  expect([trying.stuck, trying.under]).toEqual([true, 0]);
  const before = changes().length;
  await pass(60_000);
  expect(changes()).toHaveLength(before);
  trying.decide(true);
  await pass(40_000);
  expect(changes().length).toBeGreaterThan(before);
  expect(trying.stuck).toBe(true);
  answers = [stale];
  read = () => Response.json({ ...was, phase: 6, status: "closed" });
  trying.decide(true);
  expect((await come(answer)).ok).toBe(true);
  answers = [lost];
  const other = closePoll({ path, was, token: "t" });
  await pass(40_000);
  trying.decide(false);
  expect((await come(other)).ok).toBe(false);
});
