// Tests one voter's ballot: the same id with every retry, one at a time, whatever is answered and whoever
// else sends.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { answerOf, takesVotes } from "./ballot.svelte";
import { Ballots } from "./ballots.svelte";
import {
  ballot,
  begin,
  type Booth,
  end,
  makePoll,
  nothing,
  pass,
  POLL,
  problem,
  receipt,
  withoutStorage,
} from "./fixture";

let booth: Booth;
beforeEach(() => {
  booth = begin();
});
afterEach(end);

test("sent once, counted, with a receipt", async () => {
  const one = ballot();
  one.cast([2]);
  expect([one.now.state, one.chosen]).toEqual(["sending", [2]]);
  await pass();
  expect([one.now.state, one.chosen, booth.sent.length]).toEqual(["counted", [2], 1]);
  expect(one.receipt).toMatchObject({
    ballotId: booth.sent[0]!.ballotId,
    status: "counted",
    position: { partition: 0, offset: 7 },
  });
});

test.each([
  ["no answer", nothing],
  ["504", problem(504)],
  ["503", problem(503)],
  ["429", problem(429)],
  ["408", problem(408)],
  ["502", problem(502)],
])("%s: the same ballot goes again until it is through", async (_, trouble) => {
  booth.answers = [trouble, trouble, receipt("counted")];
  const one = ballot();
  one.cast([1]);
  await pass();
  expect(one.now.state).toBe("failed");
  expect(one.retryAt).toBeGreaterThan(performance.now());
  await pass(5_000);
  expect([one.now.state, booth.sent.length, booth.ids]).toEqual(["counted", 3, 1]);
});

test("Retry-After is kept to", async () => {
  booth.answers = [problem(429, { "Retry-After": "7" }), receipt("counted")];
  const one = ballot();
  one.cast([1]);
  await pass(6_900);
  expect(booth.sent).toHaveLength(1);
  await pass(200);
  expect(one.now.state).toBe("counted");
});

test("409 is too late; the vote before it stands, and is shown", async () => {
  booth.answers = [receipt("counted"), problem(409)];
  const one = ballot();
  one.cast([1]);
  await pass();
  one.cast([2]);
  expect(one.chosen).toEqual([2]);
  await pass();
  expect([one.now.state, one.chosen]).toEqual(["late", [1]]);
  expect(one.receipt?.ballotId).toBe(booth.sent[0]!.ballotId);
});

test("422 is not sent again, and says why", async () => {
  booth.answers = [problem(422)];
  const one = ballot();
  one.cast([1]);
  await pass(60_000);
  expect([one.now.state, one.now.note, one.chosen, booth.sent.length]).toEqual(["wrong", "What is wrong", [], 1]);
});

test("a change waits for the answer, then goes under a greater id; of many taps the last", async () => {
  let answer = (_: Response) => {};
  booth.answers = [
    () =>
      new Promise<Response>((done) => {
        answer = done;
      }),
    receipt("counted"),
  ];
  const one = ballot();
  one.cast([1]);
  one.cast([2]);
  one.cast([1]);
  one.cast([2]);
  await pass();
  expect([booth.sent.length, one.chosen]).toEqual([1, [2]]);
  answer(receipt("counted")(booth.sent[0]!));
  await pass();
  expect(booth.sent.map(({ optionIds }) => optionIds)).toEqual([[1], [2]]);
  expect(booth.sent[1]!.ballotId > booth.sent[0]!.ballotId).toBe(true);
  expect([one.now.state, one.chosen]).toEqual(["counted", [2]]);
});

test("a double tap is one ballot, and so is a change that is taken back", async () => {
  let answer = (_: Response) => {};
  booth.answers = [
    () =>
      new Promise<Response>((done) => {
        answer = done;
      }),
  ];
  const one = ballot();
  one.cast([1]);
  one.cast([1]);
  one.cast([2]);
  one.cast([1]);
  answer(receipt("counted")(booth.sent[0]!));
  await pass(1_000);
  expect([one.now.state, one.chosen, booth.sent.length]).toEqual(["counted", [1], 1]);
});

test("ids grow even when the clock goes back", async () => {
  const one = ballot();
  one.cast([1]);
  await pass();
  vi.setSystemTime(Date.now() - 3_600_000);
  one.cast([2]);
  await pass();
  expect(booth.sent[1]!.ballotId > booth.sent[0]!.ballotId).toBe(true);
});

test("recorded is safe; what became of it is asked until it is decided", async () => {
  booth.answers = [receipt("recorded")];
  const asked: string[] = [];
  booth.fate = (path) => {
    asked.push(path);
    return asked.length < 3 ? problem(404)() : receipt("counted")(booth.sent[0]!);
  };
  const one = ballot();
  one.cast([1]);
  await pass();
  expect([one.now.state, one.isIn]).toEqual(["recorded", true]);
  await pass(30_000);
  expect(one.now.state).toBe("counted");
  expect(asked).toEqual(Array(3).fill(`/api/polls/${POLL.id}/ballots/${booth.sent[0]!.ballotId}?at=0.7`));
});

test("refused: the first one stands, and no other can be sent", async () => {
  booth.answers = [receipt("refused")];
  const one = ballot();
  one.cast([1]);
  await pass();
  expect([one.now.state, one.chosen]).toEqual(["refused", []]);
  expect(takesVotes(makePoll([0, 0], { revote: "refuse" }), one)).toBe(false);
});

test("a new round begins from nothing, an old one's answer is not its", async () => {
  let answer = (_: Response) => {};
  booth.answers = [
    () =>
      new Promise<Response>((done) => {
        answer = done;
      }),
  ];
  const one = ballot();
  one.cast([1]);
  one.round(2);
  answer(receipt("counted")(booth.sent[0]!));
  await pass(1_000);
  expect([one.now.state, one.chosen, one.receipt]).toEqual(["again", [], null]);
  one.round(1);
  expect(one.now.round).toBe(2);
});

test("what was not answered goes again after a reload, under the same id", async () => {
  booth.answers = [nothing];
  ballot().cast([2]);
  await pass();
  booth.answers = [receipt("counted")];
  const later = new Ballots();
  await pass();
  expect(booth.ids).toBe(1);
  expect(later.of(POLL).now.state).toBe("counted");
});

test("what waits in another poll is sent when the connection is back", async () => {
  const ballots = new Ballots();
  booth.answers = [nothing];
  const first = ballots.of(POLL),
    second = ballots.of(makePoll([0, 0], { id: "0199aaaa-0000-7000-8000-000000000002" }));
  first.cast([1]);
  await pass();
  expect([ballots.waiting(first), ballots.waiting(second)]).toEqual([0, 1]);
  booth.answers = [receipt("counted")];
  dispatchEvent(new Event("online"));
  await pass(400);
  expect([first.now.state, ballots.waiting(second)]).toEqual(["counted", 0]);
});

test("two tabs: the one under way goes first, and both show the last", async () => {
  let answer = (_: Response) => {};
  booth.answers = [
    () =>
      new Promise<Response>((done) => {
        answer = done;
      }),
    receipt("counted"),
  ];
  const one = ballot();
  one.cast([1]);
  const other = ballot();
  other.cast([2]);
  await pass();
  expect(booth.sent.map(({ optionIds }) => optionIds)).toEqual([[1], [1], [2]]);
  expect(booth.sent[1]!.ballotId).toBe(booth.sent[0]!.ballotId);
  answer(receipt("replaced")(booth.sent[0]!));
  await pass();
  expect([one.now.state, one.chosen, other.chosen]).toEqual(["counted", [2], [2]]);
});

test("a tab that is closed leaves its ballot to the other", async () => {
  const ballots = new Ballots();
  const here = ballots.of(POLL);
  // The other tab wrote this before it was closed.
  const kept = {
    ...here.now,
    state: "failed",
    sent: { ballotId: "01990000-0000-7000-8000-000000000000", optionIds: [2] },
    last: "01990000-0000-7000-8000-000000000000",
    failed: { status: 0, pause: 1_000 },
  };
  localStorage.setItem(`pollux.ballot.${POLL.id}`, JSON.stringify(kept));
  dispatchEvent(new StorageEvent("storage", { key: `pollux.ballot.${POLL.id}` }));
  expect([here.now.state, here.chosen]).toEqual(["failed", [2]]);
  await pass(12_900);
  expect(booth.sent).toHaveLength(0);
  await pass(200);
  expect([booth.sent[0]!.ballotId, here.now.state]).toEqual([kept.last, "counted"]);
});

test("where cookies are refused one voter stays one, under a name", async () => {
  vi.spyOn(navigator, "cookieEnabled", "get").mockReturnValue(false);
  const ballots = new Ballots();
  ballots.of(POLL).cast([1]);
  await pass();
  ballots.of(POLL).cast([2]);
  await pass();
  const [first, second] = booth.sent;
  expect(first!.voterId).toMatch(/^[0-9a-f-]{36}$/);
  expect(second!.voterId).toBe(first!.voterId);
  const other = makePoll([0, 0], { id: "0199aaaa-0000-7000-8000-000000000003", voterIds: false });
  ballots.of(other).cast([1]);
  await pass();
  expect(booth.sent[2]).not.toHaveProperty("voterId");
});

const NO_COOKIE =
  "where no cookie is kept, and no name taken, the voter is known by what the receipt says, through " +
  "rounds and reloads";
test(NO_COOKIE, async () => {
  booth.answers = [receipt("recorded", { voter: "v.one" }), receipt("recorded")];
  const asked: string[] = [];
  booth.fate = (path) => {
    asked.push(path);
    return receipt("counted")(booth.sent.at(-1)!);
  };
  const unnamed = makePoll([0, 0], { voterIds: false });
  const ballots = new Ballots();
  ballots.of(unnamed).cast([1]);
  await pass(2_000);
  ballots.of(unnamed).cast([2]);
  await pass(2_000);
  ballots.of({ ...unnamed, round: 2 });
  new Ballots().of({ ...unnamed, round: 2 }).cast([1]);
  await pass(2_000);
  expect(booth.sent.map(({ optionIds: [one], voter }) => [one, voter])).toEqual([
    [1, undefined],
    [2, "v.one"],
    [1, "v.one"],
  ]);
  expect(asked.map((path) => new URL(path, location.href).searchParams.get("voter"))).toEqual([
    "v.one",
    "v.one",
    "v.one",
  ]);
});

test("what a page of an earlier release kept is read: a ballot under way, the one that stands, the next", async () => {
  const id = (last: number) => `01990000-0000-7000-8000-00000000000${last}`;
  localStorage.setItem(
    `pollux.ballot.${POLL.id}`,
    JSON.stringify({
      round: 1,
      state: "failed",
      sent: { ballotId: id(2), optionIds: [2] },
      answered: false,
      unclear: 1,
      wanted: [1],
      stands: { ballotId: id(1), optionIds: [1] },
      last: id(2),
    }),
  );
  const one = new Ballots().of(POLL);
  expect([one.chosen, answerOf(one.receipt)]).toEqual([[1], [1]]);
  await pass(1_000);
  expect(booth.sent.map(({ ballotId, optionIds }) => [ballotId === id(2), optionIds])).toEqual([
    [true, [2]],
    [false, [1]],
  ]);
});

test("old ballots are forgotten, those that wait are not", () => {
  const aged = (state: string) => JSON.stringify({ round: 1, state, last: "01000000-0000-7000-8000-000000000000" });
  localStorage.setItem("pollux.ballot.old", aged("counted"));
  localStorage.setItem("pollux.ballot.waits", aged("wrong"));
  localStorage.setItem(
    "pollux.ballot.new",
    JSON.stringify({ round: 1, state: "counted", last: "ffffffff-ffff-7000-8000-000000000000" }),
  );
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
  expect([one.now.state, one.chosen, booth.sent.length]).toEqual(["counted", [2], 2]);
});
