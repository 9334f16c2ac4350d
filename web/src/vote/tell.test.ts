// Tests the states that nobody may confuse.

import { beforeAll, expect, test } from "vitest";
import choice from "../kinds/choice/ballot";
import type { Kept, State } from "./ballot.svelte";
import { makePoll } from "./fixture";
import { tell, type Situation } from "./tell";
import { speech } from "./words.svelte";

beforeAll(() => speech.use("en"));

const AT = 1_000_000;
const stood = { ballotId: "id", optionIds: [1] };

function told(state: State, rest: Partial<Situation> = {}, kept: Partial<Kept> = {}, retryAt = 0) {
  const now: Kept = {
    round: 1,
    state,
    sent: null,
    answered: true,
    unclear: 0,
    wanted: null,
    stands: null,
    last: "",
    ...kept,
  };
  return tell({
    poll: makePoll([1, 0]),
    kind: choice,
    ballot: { now, retryAt },
    open: true,
    changing: false,
    marked: 0,
    online: true,
    at: AT,
    ...rest,
  });
}

test("each state has words of its own", () => {
  const states: State[] = [
    "none",
    "again",
    "sending",
    "failed",
    "recorded",
    "counted",
    "replaced",
    "superseded",
    "refused",
    "late",
    "wrong",
  ];
  expect(new Set(states.map((state) => told(state).title)).size).toBe(states.length);
  expect(states.map((state) => told(state).mood)).toEqual([
    "none",
    "none",
    "sending",
    "failed",
    "counted",
    "counted",
    "counted",
    "refused",
    "refused",
    "refused",
    "refused",
  ]);
});

test("a failure says what it was and when the next try is", () => {
  const failed = { status: 0, pause: 5_000 },
    retryAt = AT + 3_400;
  expect(told("failed", {}, { failed }, retryAt).text).toMatch(
    /^No answer from the server\. Next try in .?4\ssec.?; it counts only once\.$/,
  );
  expect(told("failed", { at: AT + 4_000 }, { failed }, retryAt).text).toMatch(/Trying again now/);
  expect(told("failed", {}, { failed: { ...failed, status: 503 } }).text).toMatch(/^The server is busy/);
  expect(told("failed", {}, { failed: { ...failed, status: 422 } }, retryAt).text).toMatch(
    /^The server's clock was set, .*Next try in/,
  );
  expect(told("failed", { online: false }, { failed })).toMatchObject({ mood: "queued", title: "Saved on this phone" });
});

test("too late differs for those who had voted before", () => {
  expect(told("late").title).toBe("Too late to be counted");
  expect(told("late", {}, { stands: stood })).toMatchObject({
    title: "Too late to change",
    text: expect.stringMatching(/your earlier vote counts/),
  });
});

test("a closed poll says whether the vote is in it", () => {
  const closed = makePoll([1, 0], { status: "closed" }),
    final = { ...closed, final: true };
  expect(told("counted", { poll: closed, open: false })).toMatchObject({
    title: "Your vote is counted",
    text: "The last votes are being counted.",
  });
  expect(told("counted", { poll: final, open: false }).text).toBe("The numbers are final.");
  expect(told("none", { poll: final, open: false })).toMatchObject({
    title: "This poll is closed",
    text: "You did not vote in it.",
  });
});

test("where several may be chosen it says how many are left", () => {
  const poll = makePoll([0, 0, 0], { kind: "multiple", maxChoices: 2 });
  expect(
    [0, 1, 2].map((marked) =>
      told("none", { poll, marked, changing: marked > 0 }).title.replaceAll(/[\u2068\u2069]/g, ""),
    ),
  ).toEqual(["Choose up to 2 options", "1 more may be chosen", "No more may be chosen"]);
  expect(told("counted", { poll, marked: 1, changing: true }).title).toMatch(/more may be chosen/);
});

test("where no vote can be taken back it says so before and beside the second touch", () => {
  const once = makePoll([0, 0], { revote: "refuse" });
  expect(told("none", { poll: once })).toMatchObject({
    title: "Choose one option",
    text: "You can't change it afterwards.",
  });
  expect(told("none", { poll: once, marked: 1, changing: true })).toMatchObject({
    mood: "none",
    title: "Not sent yet",
    text: "You can't change it afterwards.",
  });
  expect(told("counted", { poll: once, open: false }).text).toBe("Your vote stands. Thank you!");
});

test("a vote that another device's has taken the place of is not told as one that counts", () => {
  expect(told("superseded")).toMatchObject({
    mood: "refused",
    title: "This vote does not count",
    text: "A newer vote from another device counts. Tap again to change it.",
  });
  const closed = makePoll([1, 0], { status: "closed" });
  expect(told("superseded", { poll: closed, open: false }).text).toBe("A newer vote from another device counts.");
});

test("whoever marks something else is told of the marks, whatever became of the last vote", () => {
  for (const state of ["none", "again", "recorded", "counted", "superseded", "late", "wrong"] as const) {
    expect(told(state, { marked: 1, changing: true }).title, state).toBe("Not sent yet");
  }
  for (const state of ["sending", "failed"] as const)
    expect(told(state, { marked: 1, changing: true }).mood).toBe(state);
});
