// Tests the words that the phone has for a poll's numbers.

import { beforeAll, expect, test } from "vitest";
import { makePoll } from "./fixture";
import { summary, turnout } from "./results";
import { speech } from "./words.svelte";

beforeAll(() => speech.use("en"));

test("hidden numbers say nothing", () => {
  const hidden = makePoll(null, { results: "hidden" });
  expect(summary(hidden, "")).toBe("");
  expect(turnout(hidden)).toBe("Results are shown later");
  expect(turnout(makePoll(null, { results: "afterVote" }))).toBe("Results once you have voted");
});

test("turnout comes before the results, in a line that fits a small phone", () => {
  const hidden = makePoll(null, { results: "hidden", totalVoters: 1412 });
  expect(summary(hidden, "")).toBe("");
  expect(turnout(hidden)).toBe("1,412 have voted; results come later");
  expect(turnout({ ...hidden, results: "afterVote", totalVoters: 1 })).toBe("1 has voted; results once you do");
});

test("where several may be chosen people are counted, not marks", () => {
  expect(turnout(makePoll([3, 3], { kind: "multiple", maxChoices: 2, totalVoters: 4 }))).toBe("4 people have voted");
});
