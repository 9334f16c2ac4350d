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

test("where several may be chosen people are counted, not marks", () => {
  expect(turnout(makePoll([3, 3], { kind: "multiple", maxChoices: 2, totalVoters: 4 }))).toBe("4 people have voted");
});
