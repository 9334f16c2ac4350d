// One voter's ballot: the same id with every retry, one at a time, whatever is answered and whoever else sends.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Ballot, takesVotes } from "./ballot.svelte";
import { Ballots } from "./ballots.svelte";
import { makePoll, withoutStorage } from "./fixture";

const POLL = makePoll([0, 0]);
type Sent = { ballotId: string; optionIds: number[] };

let sent: Sent[];
/** How the next votes are answered, in turn; the last one for all that follow. */
let answers: ((body: Sent) => Promise<Response> | Response)[];
let fate: (path: string) => Response;

const receipt = (status: string) => ({ ballotId }: Sent) =>
  Response.json({ ballotId, pollId: POLL.id, status, position: { partition: 0, offset: 7 } }, { status: status === "recorded" ? 202 : 200 });
const problem = (status: number, headers = {}) => () =>
  Response.json({ title: "Trouble", detail: "what is wrong", status }, { status, headers });
const nothing = () => Promise.reject(new TypeError("Failed to fetch"));
const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.999999);
  localStorage.clear();
  [sent, answers] = [[], [receipt("counted")]];
  fate = () => Response.json({ title: "Not known" }, { status: 404 });
  vi.stubGlobal("fetch", async (path: string, { method, body }: RequestInit) => {
    if (method === "GET") return fate(path);
    const vote = JSON.parse(body as string) as Sent;
    sent.push(vote);
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    return answer(vote);
  });
});
afterEach(() => { vi.unstubAllGlobals(); vi.useRealTimers(); });

function ballot(): Ballot {
  const one = new Ballot(POLL.id);
  one.round(1);
  return one;
}
const ids = () => new Set(sent.map(({ ballotId }) => ballotId)).size;

test("sent once, counted, with a receipt", async () => {
  const one = ballot();
  one.cast([2]);
  expect([one.now.state, one.chosen]).toEqual(["sending", [2]]);
  await pass();
  expect([one.now.state, one.chosen, sent.length]).toEqual(["counted", [2], 1]);
  expect(one.receipt).toMatchObject({ ballotId: sent[0]!.ballotId, status: "counted", position: { partition: 0, offset: 7 } });
});

test.each([
  ["no answer", nothing], ["504", problem(504)], ["503", problem(503)], ["429", problem(429)], ["408", problem(408)], ["502", problem(502)],
])("%s: the same ballot goes again until it is through", async (_, trouble) => {
  answers = [trouble, trouble, receipt("counted")];
  const one = ballot();
  one.cast([1]);
  await pass();
  expect(one.now.state).toBe("failed");
  expect(one.now.failed!.retryAt).toBeGreaterThan(Date.now());
  await pass(5_000);
  expect([one.now.state, sent.length, ids()]).toEqual(["counted", 3, 1]);
});

test("Retry-After is kept to", async () => {
  answers = [problem(429, { "Retry-After": "7" }), receipt("counted")];
  const one = ballot();
  one.cast([1]);
  await pass(6_900);
  expect(sent).toHaveLength(1);
  await pass(200);
  expect(one.now.state).toBe("counted");
});

test("409 is too late; the vote before it stands, and is shown", async () => {
  answers = [receipt("counted"), problem(409)];
  const one = ballot();
  one.cast([1]);
  await pass();
  one.cast([2]);
  expect(one.chosen).toEqual([2]);
  await pass();
  expect([one.now.state, one.chosen]).toEqual(["late", [1]]);
  expect(one.receipt?.ballotId).toBe(sent[0]!.ballotId);
});

test("422 is not sent again, and says why", async () => {
  answers = [problem(422)];
  const one = ballot();
  one.cast([1]);
  await pass(60_000);
  expect([one.now.state, one.now.note, one.chosen, sent.length]).toEqual(["wrong", "What is wrong", [], 1]);
});

test("a change waits for the answer, then goes under a greater id; of many taps the last", async () => {
  let answer = (_: Response) => {};
  answers = [() => new Promise<Response>((done) => { answer = done; }), receipt("counted")];
  const one = ballot();
  one.cast([1]);
  one.cast([2]);
  one.cast([1]);
  one.cast([2]);
  await pass();
  expect([sent.length, one.chosen]).toEqual([1, [2]]);
  answer(receipt("counted")(sent[0]!));
  await pass();
  expect(sent.map(({ optionIds }) => optionIds)).toEqual([[1], [2]]);
  expect(sent[1]!.ballotId > sent[0]!.ballotId).toBe(true);
  expect([one.now.state, one.chosen]).toEqual(["counted", [2]]);
});

test("a double tap is one ballot, and so is a change that is taken back", async () => {
  let answer = (_: Response) => {};
  answers = [() => new Promise<Response>((done) => { answer = done; })];
  const one = ballot();
  one.cast([1]);
  one.cast([1]);
  one.cast([2]);
  one.cast([1]);
  answer(receipt("counted")(sent[0]!));
  await pass(1_000);
  expect([one.now.state, one.chosen, sent.length]).toEqual(["counted", [1], 1]);
});

test("ids grow even when the clock goes back", async () => {
  const one = ballot();
  one.cast([1]);
  await pass();
  vi.setSystemTime(Date.now() - 3_600_000);
  one.cast([2]);
  await pass();
  expect(sent[1]!.ballotId > sent[0]!.ballotId).toBe(true);
});

test("recorded is safe; what became of it is asked until it is decided", async () => {
  answers = [receipt("recorded")];
  const asked: string[] = [];
  fate = (path) => {
    asked.push(path);
    return asked.length < 3 ? Response.json({ title: "Not known" }, { status: 404 }) : receipt("counted")(sent[0]!);
  };
  const one = ballot();
  one.cast([1]);
  await pass();
  expect([one.now.state, one.stands]).toEqual(["recorded", true]);
  await pass(30_000);
  expect(one.now.state).toBe("counted");
  expect(asked).toEqual(Array(3).fill(`/api/polls/${POLL.id}/ballots/${sent[0]!.ballotId}?at=0.7`));
});

test("refused: the first one stands, and no other can be sent", async () => {
  answers = [receipt("refused")];
  const one = ballot();
  one.cast([1]);
  await pass();
  expect([one.now.state, one.chosen]).toEqual(["refused", []]);
  expect(takesVotes(makePoll([0, 0], { revote: "refuse" }), one)).toBe(false);
});

test("a new round begins from nothing, an old one's answer is not its", async () => {
  let answer = (_: Response) => {};
  answers = [() => new Promise<Response>((done) => { answer = done; })];
  const one = ballot();
  one.cast([1]);
  one.round(2);
  answer(receipt("counted")(sent[0]!));
  await pass(1_000);
  expect([one.now.state, one.chosen, one.receipt]).toEqual(["again", [], null]);
  one.round(1);
  expect(one.now.round).toBe(2);
});

test("what was not answered goes again after a reload, under the same id", async () => {
  answers = [nothing];
  ballot().cast([2]);
  await pass();
  answers = [receipt("counted")];
  const later = new Ballots();
  await pass();
  expect(ids()).toBe(1);
  expect(later.of(POLL).now.state).toBe("counted");
});

test("what waits in another poll is sent when the connection is back", async () => {
  const ballots = new Ballots();
  answers = [nothing];
  const first = ballots.of(POLL), second = ballots.of(makePoll([0, 0], { id: "0199aaaa-0000-7000-8000-000000000002" }));
  first.cast([1]);
  await pass();
  expect([ballots.waiting(first), ballots.waiting(second)]).toEqual([0, 1]);
  answers = [receipt("counted")];
  dispatchEvent(new Event("online"));
  await pass(400);
  expect([first.now.state, ballots.waiting(second)]).toEqual(["counted", 0]);
});

test("two tabs: the one under way goes first, and both show the last", async () => {
  let answer = (_: Response) => {};
  answers = [() => new Promise<Response>((done) => { answer = done; }), receipt("counted")];
  const one = ballot();
  one.cast([1]);
  const other = ballot();
  other.cast([2]);
  await pass();
  expect(sent.map(({ optionIds }) => optionIds)).toEqual([[1], [1], [2]]);
  expect(sent[1]!.ballotId).toBe(sent[0]!.ballotId);
  answer(receipt("replaced")(sent[0]!));
  await pass();
  expect([one.now.state, one.chosen, other.chosen]).toEqual(["counted", [2], [2]]);
});

test("a tab that is closed leaves its ballot to the other", async () => {
  const ballots = new Ballots();
  const here = ballots.of(POLL);
  // What the other tab wrote before it was closed.
  const kept = { ...here.now, state: "failed", sent: { ballotId: "01990000-0000-7000-8000-000000000000", optionIds: [2] },
    last: "01990000-0000-7000-8000-000000000000", failed: { status: 0, retryAt: Date.now() + 1_000 } };
  localStorage.setItem(`pollux.ballot.${POLL.id}`, JSON.stringify(kept));
  dispatchEvent(new StorageEvent("storage", { key: `pollux.ballot.${POLL.id}` }));
  expect([here.now.state, here.chosen]).toEqual(["failed", [2]]);
  await pass(12_900);
  expect(sent).toHaveLength(0);
  await pass(200);
  expect([sent[0]!.ballotId, here.now.state]).toEqual([kept.last, "counted"]);
});

test("old ballots are forgotten, those that wait are not", () => {
  const aged = (state: string) => JSON.stringify({ round: 1, state, last: "01000000-0000-7000-8000-000000000000" });
  localStorage.setItem("pollux.ballot.old", aged("counted"));
  localStorage.setItem("pollux.ballot.waits", aged("wrong"));
  localStorage.setItem("pollux.ballot.new", JSON.stringify({ round: 1, state: "counted", last: "ffffffff-ffff-7000-8000-000000000000" }));
  new Ballots();
  expect(Object.keys(localStorage).sort()).toEqual(["pollux.ballot.new"]);
});

test("storage that throws costs the memory, not the vote", async () => {
  withoutStorage();
  const one = ballot();
  one.cast([1]);
  await pass();
  one.cast([2]);
  await pass();
  expect([one.now.state, one.chosen, sent.length]).toEqual(["counted", [2], 2]);
});
