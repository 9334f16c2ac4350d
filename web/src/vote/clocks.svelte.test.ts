// Tests that whatever the clocks of server and devices do between two votes, the later wish counts, or its
// voter is told; and that nothing but Pollux's answer is taken for one.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { heardTime } from "../api/clock";
import { madeAt } from "../api/uuid";
import type { Ballot } from "./ballot.svelte";
import { Ballots } from "./ballots.svelte";
import {
  aheadBy,
  ballot,
  begin,
  type Booth,
  end,
  fromTheFuture,
  makePoll,
  nothing,
  pass,
  POLL,
  problem,
  receipt,
  type Vote,
} from "./fixture";

const HOUR = 3_600_000;
/** Returns a ballot of another device, made so many milliseconds from now. */
const elsewhere = (ms: number) =>
  `${(Date.now() + ms).toString(16).padStart(12, "0").replace(/^.{8}/, "$&-")}-7fff-bfff-ffffffffffff`;

let booth: Booth;
beforeEach(() => {
  booth = begin();
});
afterEach(end);

async function voted(optionId: number): Promise<Ballot> {
  const one = ballot();
  one.cast([optionId]);
  await pass();
  return one;
}

/** Refuses ids of more than a minute ahead, as the real server does. */
const strict = () => {
  booth.answers = [(vote) => (madeAt(vote.ballotId) > booth.now + 60_000 ? fromTheFuture() : receipt("counted")(vote))];
};
/** Refuses them, and says by how much they are ahead. */
const exact = (vote: Vote) => {
  const ahead = madeAt(vote.ballotId) - booth.now;
  return ahead > 60_000 ? aheadBy(Math.ceil(ahead / 1_000)) : receipt("counted")(vote);
};
/** Sets the server's clock, which was an hour fast, right a moment ago; its `Date` is still wrong. */
const misdate = () => {
  booth.misdated = HOUR;
  heardTime(booth.now + HOUR);
};
/** Answers as a server that has named the ballot itself. */
const named = (ballotId: string) => receipt("counted", { ballotId });
const sentIds = () => booth.sent.map(({ ballotId }) => ballotId);

test.each([HOUR, -HOUR])(
  "a device whose clock is set by %d ms between two votes changes its vote at once",
  async (by) => {
    strict();
    const one = await voted(1);
    vi.setSystemTime(Date.now() + by);
    one.cast([2]);
    await pass();
    expect([one.now.state, one.chosen, booth.ids, booth.sent.length]).toEqual(["counted", [2], 2, 2]);
    expect(Math.abs(madeAt(booth.sent[1]!.ballotId) - booth.now)).toBeLessThan(2_000);
  },
);

test("the first vote of a phone that slept is made by the clock of the server, not by its own", async () => {
  strict();
  booth.ahead = -HOUR;
  vi.setSystemTime(Date.now() + 60_000);
  const one = await voted(1);
  expect([one.now.state, booth.asked.length, booth.sent.length]).toEqual(["counted", 1, 1]);
});

test("while the server cannot be asked for the time the vote waits, and is sent when it can", async () => {
  booth.fate = nothing;
  vi.setSystemTime(Date.now() + HOUR);
  const one = await voted(1);
  expect([one.now.state, one.chosen, booth.sent.length]).toEqual(["failed", [1], 0]);
  booth.fate = problem(404);
  await pass(1_000);
  expect([one.now.state, booth.sent.length]).toEqual(["counted", 1]);
});

test("refused as from the future, the vote goes again under an id of the server's clock", async () => {
  strict();
  booth.ahead = -HOUR;
  const one = await voted(2);
  expect([one.now.state, one.chosen]).toEqual(["sending", [2]]);
  await pass(1_000);
  expect([one.now.state, one.chosen, booth.sent.length, booth.ids]).toEqual(["counted", [2], 2, 2]);
});

test("a header that goes by another clock costs one try: the refusal itself tells the time", async () => {
  booth.answers = [exact];
  misdate();
  const one = await voted(2);
  await pass(1_000);
  expect([one.now.state, one.chosen, booth.sent.length, booth.ids]).toEqual(["counted", [2], 2, 2]);
  expect(Math.abs(madeAt(booth.sent[1]!.ballotId) - booth.now)).toBeLessThan(3_000);
  one.cast([1]);
  await pass(1_000);
  expect([one.now.state, one.chosen]).toEqual(["counted", [1]]);
});

test("two nodes whose clocks differ take it, too", async () => {
  const behind =
    (by: number): typeof exact =>
    (vote) => {
      const ahead = madeAt(vote.ballotId) - booth.now + by;
      return ahead > 60_000 ? aheadBy(Math.ceil(ahead / 1_000)) : receipt("counted")(vote);
    };
  booth.answers = [exact, behind(HOUR), behind(HOUR)];
  misdate();
  const one = await voted(2);
  await pass(10_000);
  expect([one.now.state, booth.sent.length]).toEqual(["counted", 3]);
});

test("where no time helps the server names the ballot, and the next wish comes after that one", async () => {
  const theirs = elsewhere(50_000);
  booth.answers = [fromTheFuture, fromTheFuture, named(theirs), receipt("counted")];
  const one = await voted(2);
  await pass(10_000);
  expect([one.now.state, one.chosen, one.receipt?.ballotId, booth.sent.length]).toEqual(["counted", [2], theirs, 3]);
  expect(sentIds().map((id) => typeof id)).toEqual(["string", "string", "undefined"]);
  one.cast([1]);
  await pass();
  expect([one.now.state, one.chosen, booth.sent[3]!.ballotId > theirs]).toEqual(["counted", [1], true]);
});

test("one that the server names goes again without an id until it is answered, also after a reload", async () => {
  const theirs = elsewhere(0);
  booth.answers = [fromTheFuture, fromTheFuture, nothing];
  const one = await voted(2);
  await pass(2_900);
  expect(one.now.state).toBe("failed");
  booth.answers = [named(theirs)];
  const later = new Ballots().of(POLL);
  await pass(20_000);
  expect([later.now.state, later.chosen, later.receipt?.ballotId]).toEqual(["counted", [2], theirs]);
  expect(
    sentIds()
      .slice(2)
      .every((id) => id === undefined),
  ).toBe(true);
});

test("whoever is known by the id alone keeps naming it: no vote is given up for a clock's sake", async () => {
  vi.spyOn(navigator, "cookieEnabled", "get").mockReturnValue(false);
  booth.answers = [fromTheFuture];
  const one = new Ballots().of(makePoll([0, 0], { voterIds: false }));
  one.cast([2]);
  await pass(100);
  one.cast([1]);
  await pass(200_000);
  expect([one.now.state, one.chosen]).toEqual(["failed", [1]]);
  strict();
  await pass(21_000);
  expect([one.now.state, one.chosen]).toEqual(["counted", [1]]);
  expect(booth.sent.length).toBe(booth.ids);
  expect(sentIds()).not.toContain(undefined);
});

test("an id that came from a floor in the future is not the floor of the next", async () => {
  booth.answers = [nothing, exact];
  heardTime(booth.now + HOUR);
  const one = await voted(2);
  one.round(2);
  heardTime(booth.now);
  one.cast([1]);
  await pass(10_000);
  expect([one.now.state, one.chosen]).toEqual(["counted", [1]]);
});

test("a first vote that may have been taken keeps its id: under another one it could count twice", async () => {
  booth.answers = [nothing, fromTheFuture, problem(503), fromTheFuture, receipt("counted")];
  const one = await voted(1);
  await pass(60_000);
  expect([one.now.state, booth.sent.length, booth.ids]).toEqual(["counted", 5, 1]);
});

test("a first vote that nothing is known of for some seconds was never taken: it goes on under another", async () => {
  booth.answers = [nothing, exact];
  misdate();
  const one = await voted(1);
  await pass(2_000);
  expect(one.now.failed?.status).toBe(422);
  await pass(3_000);
  expect(booth.ids).toBe(1);
  await pass(35_000);
  expect([one.now.state, one.chosen, booth.ids]).toEqual(["counted", [1], 2]);
  expect(booth.asked[0]).toBe(`/api/polls/${POLL.id}/ballots/${booth.sent[0]!.ballotId}`);
});

test("a first vote that was taken after all is the one that counts", async () => {
  booth.answers = [nothing, exact];
  booth.fate = () => (booth.asked.length < 3 ? problem(404)() : receipt("counted")(booth.sent[0]!));
  misdate();
  const one = await voted(1);
  await pass(20_000);
  expect([one.now.state, one.chosen, booth.ids]).toEqual(["counted", [1], 1]);
  expect(one.receipt?.ballotId).toBe(booth.sent[0]!.ballotId);
});

test("while nobody says what became of a first vote it keeps its id", async () => {
  booth.answers = [nothing, exact];
  booth.fate = nothing;
  misdate();
  const one = await voted(1);
  one.cast([2]);
  await pass(60_000);
  expect([one.now.state, one.chosen, booth.ids]).toEqual(["failed", [2], 1]);
  booth.fate = problem(404);
  await pass(40_000);
  expect([one.now.state, one.chosen, booth.ids]).toEqual(["counted", [2], 2]);
});

test("one that certainly was not taken does not, and neither does a change: its voter is known", async () => {
  booth.answers = [problem(503), fromTheFuture, receipt("counted"), nothing, fromTheFuture, receipt("counted")];
  const one = await voted(1);
  await pass(60_000);
  expect([one.now.state, booth.sent.length, booth.ids]).toEqual(["counted", 3, 2]);
  one.cast([2]);
  await pass(60_000);
  expect([one.now.state, one.chosen, booth.sent.length, booth.ids]).toEqual(["counted", [2], 6, 4]);
});

test("superseded by another device: no tick, it is told, and the next tap comes after it", async () => {
  const theirs = elsewhere(120_000);
  booth.answers = [receipt("superseded", { supersededBy: theirs }), receipt("counted")];
  const one = await voted(1);
  expect([one.now.state, one.chosen, one.voted]).toEqual(["superseded", [], true]);
  expect(one.receipt?.status).toBe("superseded");
  one.cast([1]);
  await pass();
  expect([one.now.state, one.chosen]).toEqual(["counted", [1]]);
  expect(booth.sent[1]!.ballotId > theirs).toBe(true);
});

test("a vote that counted and no longer does, says the server when it is asked", async () => {
  const one = await voted(1);
  const theirs = elsewhere(120_000);
  booth.fate = () => receipt("replaced", { supersededBy: theirs })(booth.sent[0]!);
  await one.check();
  expect([one.now.state, one.chosen]).toEqual(["superseded", []]);
  one.cast([2]);
  await pass();
  expect(booth.sent[1]!.ballotId > theirs).toBe(true);
});

test("an older server does not say by which: the next tap comes after this device's own", async () => {
  booth.answers = [receipt("superseded"), receipt("counted")];
  const one = await voted(1);
  expect([one.now.state, one.chosen]).toEqual(["superseded", []]);
  one.cast([1]);
  await pass();
  expect(booth.sent[1]!.ballotId > booth.sent[0]!.ballotId).toBe(true);
});

test("superseded by a newer one of this device: that one counts, and is shown", async () => {
  const one = await voted(1);
  const first = booth.sent[0]!;
  booth.answers = [receipt("superseded", { supersededBy: first.ballotId })];
  one.cast([2]);
  await pass();
  expect([one.now.state, one.chosen, one.receipt?.ballotId]).toEqual(["replaced", [1], first.ballotId]);
});

test("one that still waits is not disturbed by what became of the one before", async () => {
  const one = await voted(1);
  booth.answers = [nothing];
  booth.fate = () => receipt("replaced")(booth.sent[0]!);
  const asked = one.check();
  one.cast([2]);
  await asked;
  await pass();
  expect([one.now.state, one.chosen]).toEqual(["failed", [2]]);
});

test("no pause is longer than a minute, whatever the clock does and whoever asks for it", async () => {
  booth.answers = [problem(503, { "Retry-After": "3600" }), receipt("counted")];
  const one = await voted(1);
  vi.setSystemTime(Date.now() - HOUR);
  expect(one.retryAt - performance.now()).toBe(60_000);
  await pass(60_000);
  expect(one.now.state).toBe("counted");
});

test("what waits is sent when the page opens, whatever pause was kept by whatever clock", async () => {
  booth.answers = [nothing];
  await voted(1);
  vi.setSystemTime(Date.now() - HOUR);
  const kept = JSON.parse(localStorage.getItem(`pollux.ballot.${POLL.id}`)!);
  localStorage.setItem(
    `pollux.ballot.${POLL.id}`,
    JSON.stringify({ ...kept, failed: { status: 503, pause: 9 * HOUR, retryAt: Date.now() + 9 * HOUR } }),
  );
  booth.answers = [receipt("counted")];
  const later = new Ballots();
  await pass();
  expect([later.of(POLL).now.state, booth.ids]).toEqual(["counted", 1]);
});

test("another tab's failure holds nothing back for longer than its pause", async () => {
  const here = new Ballots().of(POLL);
  const kept = {
    ...here.now,
    state: "failed",
    sent: { ballotId: elsewhere(0), optionIds: [2] },
    failed: { status: 0, pause: 1_000 },
  };
  localStorage.setItem(`pollux.ballot.${POLL.id}`, JSON.stringify(kept));
  vi.setSystemTime(Date.now() - HOUR);
  dispatchEvent(new StorageEvent("storage", { key: `pollux.ballot.${POLL.id}` }));
  expect(here.retryAt - performance.now()).toBe(1_000);
  await pass(13_100);
  expect(here.now.state).toBe("counted");
});

const page = (status: number) => () =>
  new Response("<title>Hotel Wi-Fi</title>", { status, headers: { "Content-Type": "text/html" } });

test.each([
  ["a portal's page", page(200)],
  ["an empty object", () => Response.json({})],
  ["null", () => Response.json(null)],
  ["a list", () => Response.json([1])],
  ["a receipt of another ballot", () => receipt("counted")({ ballotId: elsewhere(0), optionIds: [] })],
])("%s is no receipt: the same ballot goes again until Pollux answers", async (_, odd) => {
  booth.answers = [odd, odd, receipt("counted")];
  const one = await voted(1);
  expect([one.now.state, one.chosen]).toEqual(["failed", [1]]);
  // Somebody who changes their mind meanwhile is heard, and somebody who taps again is not kept waiting.
  one.cast([1]);
  await pass();
  expect(booth.sent).toHaveLength(2);
  await pass(2_000);
  expect([one.now.state, one.chosen, booth.ids, booth.sent.length]).toEqual(["counted", [1], 1, 3]);
});

test("a tap while nobody answers is the next wish, and goes when the first has been answered", async () => {
  booth.answers = [page(200), page(200), receipt("counted")];
  const one = await voted(1);
  one.cast([2]);
  await pass(5_000);
  expect([one.now.state, one.chosen]).toEqual(["counted", [2]]);
  expect(booth.sent.map(({ optionIds }) => optionIds[0])).toEqual([1, 1, 1, 2]);
});

test("a server that is busy is not asked sooner by tapping", async () => {
  booth.answers = [problem(429, { "Retry-After": "7" }), receipt("counted")];
  const one = await voted(1);
  one.cast([1]);
  await pass(6_900);
  expect(booth.sent).toHaveLength(1);
});

test("an odd answer about what became of a vote is none", async () => {
  const one = await voted(1);
  for (const odd of [page(200), () => Response.json({}), () => Response.json(null)]) {
    booth.fate = odd;
    await one.check();
    expect([one.now.state, one.chosen]).toEqual(["counted", [1]]);
  }
});

test("a vote says which round it was wished of, and goes without to a server that knows no rounds", async () => {
  const one = ballot();
  one.round(3);
  booth.answers = [
    (vote) =>
      "round" in vote
        ? problem(422, {}, { errors: [{ pointer: "/round", detail: "is not a field" }] })()
        : receipt("counted")(vote),
  ];
  one.cast([2]);
  await pass(2_000);
  expect([one.now.state, booth.ids]).toEqual(["counted", 1]);
  expect(booth.sent.map((vote) => (vote as { round?: number }).round)).toEqual([3, undefined]);
});

test("a voter that the server does not take any more costs no vote", async () => {
  const one = ballot();
  booth.answers = [receipt("counted", { voter: "v.old" })];
  one.cast([1]);
  await pass();
  booth.answers = [
    (vote) =>
      vote.voter
        ? problem(422, {}, { errors: [{ pointer: "/voter", detail: "is not ours" }] })()
        : receipt("counted")(vote),
  ];
  one.cast([2]);
  await pass(2_000);
  expect([one.now.state, one.chosen]).toEqual(["counted", [2]]);
});
