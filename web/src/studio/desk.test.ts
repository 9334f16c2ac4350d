// Tests the desk: what is watched, what is asked for, and which of several tellings stands.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { refusal } from "../api/fixture";
import { keepToken } from "../api/identity";
import type { Event, Poll } from "../api/generated";
import { makeNumber } from "../kinds/number/fixture";
import type { NumberPoll } from "../kinds/kind";
import type { Hears, Opens } from "../live/transport";
import { Desk } from "./desk.svelte";

const id = (n: number) => `0199a0b0-0000-7000-8000-${String(n).padStart(12, "0")}`;
const poll = (n: number, rest: Partial<Poll> = {}) =>
  ({
    id: id(n),
    question: `Poll ${n}`,
    kind: "single",
    status: "open",
    round: 1,
    version: 1,
    totalVoters: 0,
    totalVotes: 0,
    eventId: null,
    options: [
      { id: 1, text: "Yes", votes: 0 },
      { id: 2, text: "No", votes: 0 },
    ],
    ...rest,
  }) as Poll;

/** The server's polls, and the sockets that were opened. */
let served: Map<string, Poll>, sockets: { query: string; tokens: string[]; hears: Hears }[], asked: string[];
const socket: Opens = (query, tokens, hears) => {
  sockets.push({ query, tokens, hears });
  return { close() {} };
};
let desk: Desk;
const settled = () =>
  vi.waitFor(() => {
    if (!sockets.length) throw new Error("not connected");
  });
const frame = () =>
  new Promise((done) => {
    requestAnimationFrame(() => done(null));
  });

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
  [served, sockets, asked] = [new Map(), [], []];
  vi.stubGlobal("fetch", async (path: string) => {
    asked.push(path);
    const found = served.get(path.split("/").pop()!);
    return found ? Response.json(found) : refusal(404);
  });
});
afterEach(() => {
  desk.close();
  vi.unstubAllGlobals();
});

function hold(...polls: Poll[]) {
  for (const one of polls) {
    served.set(one.id, one);
    keepToken(one.id, `token of ${one.question}`);
  }
  desk = new Desk({ socket });
  return settled();
}
const hello = (...polls: Poll[]) => sockets.at(-1)!.hears.message({ type: "hello", epoch: "1", polls });

test("drafts are asked for, the rest is watched with its tokens", async () => {
  await hold(poll(1), poll(2, { status: "draft" }));
  expect(sockets[0]!.query).toBe(`?leaderboard&poll=${id(1)}`);
  expect(sockets[0]!.tokens).toContain("token of Poll 1");
  expect(desk.polls.map((one) => one.question)).toEqual(["Poll 2", "Poll 1"]);
});

test("no more are watched than a server lets one connection watch: the open ones first", async () => {
  await hold(...Array.from({ length: 130 }, (_, i) => poll(i, { status: i < 10 ? "open" : "closed" })));
  const watched = sockets[0]!.query.split("&poll=").slice(1);
  expect(watched.length).toBe(100);
  for (let i = 0; i < 10; i++) expect(watched).toContain(id(i));
});

test("the newest stands; numbers that are hidden for want of a token do not undo those that are known", async () => {
  await hold(poll(1, { version: 5, totalVoters: 7 }));
  hello(poll(1, { version: 6, totalVotes: null, totalVoters: 7 }));
  await frame();
  expect([desk.poll(id(1))!.totalVoters, desk.poll(id(1))!.version]).toEqual([7, 5]);
  sockets[0]!.hears.message({ type: "poll.updated", poll: poll(1, { version: 9, totalVoters: 12 }) });
  sockets[0]!.hears.message({ type: "poll.updated", poll: poll(1, { version: 8, totalVoters: 11 }) });
  await frame();
  expect(desk.poll(id(1))!.totalVoters).toBe(12);
});

const guess = (n: number, rest: Partial<NumberPoll> = {}) =>
  makeNumber([[40, 2]], { id: id(n), question: `Poll ${n}`, status: "open", version: 1, solution: 17.75, ...rest });
const solutionOf = (n: number) => (desk.poll(id(n)) as NumberPoll).solution;

test("the token goes along wherever it brings more: to hidden numbers first, and to right answers", async () => {
  const open = { revealed: true };
  await hold(
    poll(1, open),
    guess(2),
    guess(3, { solution: null }),
    guess(4, { status: "closed" }),
    poll(5, { revealed: false }),
    guess(6),
  );
  expect(sockets[0]!.tokens).toEqual([5, 6, 2].map((n) => `token of Poll ${n}`));
  hello();
  asked = [];
  await desk.refresh();
  expect(asked).toEqual([]);
});

test("right answers for which there are too many tokens leave room for hidden numbers, and are asked for", async () => {
  await hold(poll(1, { revealed: false }), ...Array.from({ length: 45 }, (_, i) => guess(i + 2)));
  expect([sockets[0]!.tokens.length, sockets[0]!.tokens[0]]).toEqual([40, "token of Poll 1"]);
  hello();
  asked = [];
  await desk.refresh();
  expect(asked.length).toBe(6);
});

test("a right answer stays whatever is told without the token, and goes when its owner removes it", async () => {
  await hold(guess(1), guess(2, { status: "draft" }));
  const told = (one: Poll) => sockets[0]!.hears.message({ type: "poll.updated", poll: one });
  hello(guess(1, { version: 4, solution: null }));
  await frame();
  expect([desk.poll(id(1))!.version, solutionOf(1)]).toEqual([4, 17.75]);
  told(guess(1, { version: 5, solution: null }));
  await frame();
  expect([desk.poll(id(1))!.version, solutionOf(1)]).toEqual([5, 17.75]);

  // Somebody else has opened the draft, and taken its right answer away before.
  const opened = guess(2, { version: 3, solution: null });
  served.set(id(2), opened);
  told(opened);
  await vi.waitFor(() => {
    expect([desk.poll(id(2))!.status, solutionOf(2)]).toEqual(["open", null]);
  });
  desk.take(guess(1, { version: 6, solution: null }));
  await frame();
  expect(solutionOf(1)).toBe(null);
});

test("what was deleted is not brought back by what was on its way", async () => {
  await hold(poll(1), poll(2));
  hello(poll(1), poll(2));
  desk.deleted(id(1));
  sockets[0]!.hears.message({ type: "poll.closed", poll: poll(1, { version: 99, status: "closed" }) });
  await frame();
  expect(desk.polls.map((one) => one.id)).toEqual([id(2)]);
});

test("one that somebody else deleted goes, and is named as gone", async () => {
  await hold(poll(1));
  hello(poll(1));
  served.clear();
  sockets[0]!.hears.message({ type: "poll.closed", poll: poll(1, { version: 9, status: "closed" }) });
  await vi.waitFor(() => expect(desk.refused.has(id(1))).toBe(true));
  expect(desk.polls).toEqual([]);
});

test("what is shown does not go because it is said once that there is no such thing", async () => {
  await hold(poll(1));
  hello(poll(1));
  await frame();
  served.clear();
  const clock = vi.spyOn(performance, "now").mockReturnValue(1_000_000);
  await desk.loadPoll(id(1));
  clock.mockReturnValue(1_009_000);
  await desk.loadPoll(id(1));
  expect([desk.polls.length, desk.refused.size]).toEqual([1, 0]);
  served.set(id(1), poll(1));
  await desk.loadPoll(id(1));
  served.clear();
  clock.mockReturnValue(1_015_000);
  await desk.loadPoll(id(1));
  expect(desk.polls.length).toBe(1);
  clock.mockReturnValue(1_026_000);
  await desk.loadPoll(id(1));
  expect([desk.polls.length, desk.refused.size]).toEqual([0, 1]);
});

test("nor because somebody else answers", async () => {
  await hold(poll(1));
  hello(poll(1));
  await frame();
  vi.stubGlobal("fetch", async () => new Response("no such service", { status: 404 }));
  await desk.refresh({ all: true });
  expect([desk.polls.length, desk.refused.size]).toEqual([1, 0]);
});

test("what is missing on the screen is asked for again soon, when somebody else has answered", async () => {
  await hold(poll(1));
  const real = globalThis.fetch;
  let strangers = 2;
  vi.stubGlobal("fetch", (...ask: Parameters<typeof fetch>) =>
    strangers-- > 0
      ? Promise.resolve(new Response("<html>", { headers: { "Content-Type": "text/html" } }))
      : real(...ask),
  );
  served.set(id(7), poll(7));
  expect((await desk.loadPoll(id(7)))?.title).toBe("The server does not answer");
  await vi.waitFor(() => expect(desk.poll(id(7))?.question).toBe(poll(7).question), 8_000);
}, 10_000);

test("a poll that opens is watched from then on, and a connection under way is not cut short", async () => {
  await hold(poll(1, { status: "draft" }));
  desk.take(poll(1, { version: 2 }));
  await frame();
  expect(sockets.length).toBe(1);
  hello();
  expect(sockets.length).toBe(2);
  expect(sockets[1]!.query).toContain(id(1));
});

test("drafts of an event do not vanish with a telling that leaves them out", async () => {
  await hold(poll(1));
  const line = (n: number) => ({
    id: id(n),
    question: `Poll ${n}`,
    kind: "single",
    status: "draft",
    final: false,
    revealed: true,
  });
  const event = { id: id(9), title: "E", lone: false, version: 3, polls: [line(1), line(2)] } as unknown as Event;
  desk.takeEvent(event);
  desk.takeEvent({ ...event, polls: [line(1)] });
  expect(desk.event(id(9))!.polls.length).toBe(2);
  desk.takeEvent({ ...event, version: 4, polls: [line(1)] });
  expect(desk.event(id(9))!.polls.length).toBe(1);
});

test("the operator leaves, and nothing of theirs comes after", async () => {
  await hold(poll(1));
  served.set(id(2), poll(2));
  desk.operator = "operator";
  await desk.loadPoll(id(2));
  await frame();
  expect(desk.polls.length).toBe(2);
  const late = desk.loadPoll(id(2));
  desk.take(poll(2, { version: 7 }));
  await Promise.all([desk.operate(null), late]);
  await frame();
  expect(desk.polls.map((one) => one.id)).toEqual([id(1)]);
});

test("how many vote per second is told by what is added, not by a reset", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  await hold(poll(1, { totalVoters: 5 }), poll(2, { totalVoters: null }));
  desk.take(poll(2, { version: 2, totalVoters: 900 }));
  for (const [version, totalVoters, round] of [
    [2, 9, 1],
    [3, 15, 1],
    [4, 40, 2],
  ] as const)
    desk.take(poll(1, { version, totalVoters, round }));
  vi.advanceTimersByTime(1_000);
  expect(desk.pace.seconds.at(-1)).toBe(10);
  vi.useRealTimers();
});
