// Tests what the phone says of a choice's numbers.

import { beforeAll, expect, test } from "vitest";
import { makePoll } from "../../vote/fixture";
import { summary } from "../../vote/results";
import { speech } from "../../vote/words.svelte";
import choice from "./ballot";
import { digits } from "./ballot-marks";

beforeAll(() => speech.use("en"));
const said = (...made: Parameters<typeof makePoll>) => {
  const poll = makePoll(...made);
  return summary(poll, choice.lead(poll)).replaceAll(/[\u2068\u2069]/g, "");
};

test("who leads, who has won, and that nobody does", () => {
  expect(said([3, 1])).toBe("4 votes. One leads with 75%.");
  expect(said([3, 1], { status: "closed", final: true })).toBe("4 votes. One has won with 75%.");
  expect(said([2, 2])).toBe("4 votes. Several are level.");
  expect(said([0, 0])).toBe("0 votes");
});

test("hidden numbers say nothing", () => {
  expect(said(null, { results: "hidden" })).toBe("");
});

test("a share is of the people who voted, not of their marks", () => {
  expect(said([3, 1], { kind: "multiple", maxChoices: 2, totalVoters: 4, totalVotes: 4 })).toBe(
    "4 people have voted. One leads with 75%.",
  );
});

test("the numbers' column grows with the longest", () => {
  expect(digits(makePoll([1, 1]))).toBe(4);
  expect(digits(makePoll([1_234_567, 0]))).toBe("1,234,567".length);
});
