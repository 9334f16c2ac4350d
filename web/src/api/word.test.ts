// Tests that only Pollux's own answers count: whoever else answers, with whatever status and body, has said
// nothing.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Answer } from "./call";
import { POLL, refusal } from "./fixture";
import {
  castBallot,
  createEvent,
  deletePoll,
  exportPoll,
  getAddress,
  getEvent,
  getLeaderboard,
  getPoll,
  resetPoll,
} from "./operations";
import { now } from "./clock";

const EVENT = { id: "e", title: "Conf", current: null, lone: false, version: 1, polls: [] };
const path = { id: "1" };
const JSON_TYPE = { "Content-Type": "application/json" };
const HTML = { "Content-Type": "text/html" };
const PAGE = "<!doctype html><title>Welcome to the airport</title>";

type Asks = () => Promise<Answer<unknown>>;
/** The requests, and how Pollux answers each. */
const ASKED: [string, Asks, () => Response][] = [
  [
    "a vote",
    () => castBallot({ path, body: { optionIds: [1] } }),
    () => Response.json({ ballotId: "b", pollId: "1", status: "recorded", position: null }, { status: 202 }),
  ],
  ["a poll", () => getPoll({ path }), () => Response.json(POLL)],
  ["an event", () => getEvent({ path }), () => Response.json(EVENT)],
  ["ranks", () => getLeaderboard({}), () => Response.json({ version: 1, options: [], polls: [] })],
  [
    "an address",
    () => getAddress({}),
    () => Response.json({ url: "http://x", phonesCanOpen: true, why: null, fix: null }),
  ],
  ["a change of a poll", () => resetPoll({ path, was: POLL, token: "t" }), () => Response.json(POLL)],
  [
    "a new event",
    () => createEvent({ body: { title: "Conf" } }),
    () => Response.json({ ...EVENT, ownerToken: "t" }, { status: 201 }),
  ],
  ["a deletion", () => deletePoll({ path, was: POLL, token: "t" }), () => new Response(null, { status: 204 })],
  [
    "a file",
    () => exportPoll({ path, token: "t" }),
    () =>
      new Response("a,b", {
        headers: {
          "Content-Type": "text/csv; charset=utf-8",
          "Content-Disposition": 'attachment; filename="pollux-1.csv"',
        },
      }),
  ],
];
/** What others say in its place. */
const FOREIGN: [string, () => Response | Promise<Response>][] = [
  ["a portal's page", () => new Response(PAGE, { headers: HTML })],
  ["a page that calls itself JSON", () => new Response(PAGE, { headers: JSON_TYPE })],
  ["nothing, with 200", () => new Response("", { headers: JSON_TYPE })],
  ["an empty object", () => Response.json({})],
  ["null", () => Response.json(null)],
  ["a list", () => Response.json([])],
  ["JSON of another service", () => Response.json({ id: 7, status: "ok", version: "2.1" })],
  ["an answer that is cut", () => new Response('{"id":"1","ques', { headers: JSON_TYPE })],
  ["a problem with 200", () => Response.json({ type: "/docs/errors/no-such-poll", title: "x", status: 404 })],
  [
    "a file of somebody else",
    () =>
      new Response("MZ", {
        headers: {
          "Content-Type": "application/octet-stream",
          "Content-Disposition": 'attachment; filename="setup.exe"',
        },
      }),
  ],
  ["a redirect", () => new Response(null, { status: 302, headers: { Location: "http://login.example/" } })],
  ["304", () => new Response(null, { status: 304 })],
  [
    "a proxy's 404",
    () => new Response("404 page not found", { status: 404, headers: { "Content-Type": "text/plain" } }),
  ],
  ["a filter's 403", () => new Response(PAGE, { status: 403, headers: HTML })],
  ["409 in JSON of another shape", () => Response.json({ error: "conflict" }, { status: 409 })],
  [
    "our words in plain JSON",
    () => Response.json({ type: "/docs/errors/no-such-poll", title: "x", status: 404 }, { status: 404 }),
  ],
  ["a problem of another service", () => refusal(404, "", { type: "about:blank" })],
  ["a problem under another status", () => refusal(403, "no-such-poll", { status: 404 })],
  ["a problem without words", () => refusal(404, "no-such-poll", { title: undefined })],
  ["502 in HTML", () => new Response(PAGE, { status: 502, headers: HTML })],
  ["503 in JSON", () => Response.json({ message: "no healthy upstream" }, { status: 503 })],
  ["429 in text", () => new Response("slow down", { status: 429, headers: { "Content-Type": "text/plain" } })],
  ["511", () => new Response(PAGE, { status: 511, headers: HTML })],
  ["a cut", () => Promise.reject(new TypeError("Failed to fetch"))],
];

let answer: () => Response | Promise<Response>, init: RequestInit;
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async (_: string, how: RequestInit) => {
    init = how;
    return answer();
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Returns the last answer, whatever is tried in between. */
async function ask(asks: Asks) {
  const answered = asks();
  await vi.advanceTimersByTimeAsync(60_000);
  return answered;
}

for (const [name, asks, ours] of ASKED) {
  test(`${name}: Pollux's answer is one, and a redirect is not followed`, async () => {
    answer = ours;
    expect(await ask(asks)).toMatchObject({ ok: true });
    expect(init.redirect).toBe("error");
  });
  test(`${name}: so is its refusal`, async () => {
    answer = () => refusal(403, "wrong-token");
    expect(await ask(asks)).toMatchObject({ ok: false, status: 403, problem: { detail: "what is wrong" } });
  });
  test.each(FOREIGN)(`${name}, answered by %s, is unknown`, async (_, foreign) => {
    answer = foreign;
    expect(await ask(asks)).toMatchObject({ ok: false, status: 0 });
  });
  test(`${name}: 204 is an answer only where there is nothing to say`, async () => {
    answer = () => new Response(null, { status: 204 });
    expect((await ask(asks)).ok).toBe(name === "a deletion");
  });
  for (const [other, , theirs] of ASKED) {
    // Ranks and votes share no member with a poll's answer; a poll and its changed form have the same shape.
    if (
      other === name ||
      [name, other].every((one) => /poll/.test(one)) ||
      [name, other].every((one) => /event/.test(one))
    )
      continue;
    test(`${name} is not answered by what answers ${other}`, async () => {
      answer = theirs;
      expect(await ask(asks)).toMatchObject({ ok: false, status: 0 });
    });
  }
}

test("a receipt says what became of the ballot, in a word that there is", async () => {
  for (const [status, ok] of [
    ["counted", true],
    ["replaced", true],
    ["superseded", true],
    ["refused", true],
    ["late", true],
    ["ok", false],
    ["", false],
  ] as const) {
    answer = () => Response.json({ ballotId: "b", status, position: null });
    expect((await ask(ASKED[0]![1])).ok, status).toBe(ok);
  }
});

test("a pause that a proxy asks for is kept to, within bounds", async () => {
  for (const [said, pause] of [
    ["7", 7_000],
    ["86400", 60_000],
    ["tomorrow", 0],
    ["-5", 0],
  ] as const) {
    answer = () => new Response("busy", { status: 503, headers: { "Retry-After": said } });
    expect(await getPoll({ path })).toMatchObject({ status: 0, retryAfter: pause });
  }
});

test("the clock of whoever answers in its place is not the server's", async () => {
  const date = (at: number) => ({ Date: new Date(at).toUTCString() });
  const real = Date.now();
  answer = () => Response.json(POLL, { headers: date(real) });
  await getPoll({ path });
  answer = () => new Response(PAGE, { headers: { ...HTML, ...date(real + 3_600_000) } });
  await getPoll({ path });
  expect(Math.abs(now() - Date.now())).toBeLessThan(2_000);
  answer = () => refusal(404, "no-such-poll", {}, date(real + 3_600_000));
  await getPoll({ path });
  expect(now() - Date.now()).toBeGreaterThan(3_500_000);
});
