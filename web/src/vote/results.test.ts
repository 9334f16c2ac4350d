import { beforeAll, expect, test } from "vitest";
import { makePoll } from "./fixture";
import { digits, share, summary, turnout } from "./results";
import { speech } from "./words.svelte";

beforeAll(() => speech.use("en"));
const plain = (text: string) => text.replaceAll(/[\u2068\u2069]/g, "");

test("who leads, who has won, and that nobody does", () => {
  expect(plain(summary(makePoll([3, 1])))).toBe("4 votes. One leads with 75%.");
  expect(plain(summary(makePoll([3, 1], { status: "closed", final: true })))).toBe("4 votes. One has won with 75%.");
  expect(plain(summary(makePoll([2, 2])))).toBe("4 votes. Several are level.");
  expect(summary(makePoll([0, 0]))).toBe("0 votes");
});

test("hidden numbers say nothing", () => {
  const hidden = makePoll(null, { results: "hidden" });
  expect(summary(hidden)).toBe("");
  expect(turnout(hidden)).toBe("Results are shown later");
  expect(turnout(makePoll(null, { results: "afterVote" }))).toBe("Results once you have voted");
  expect(share(hidden, hidden.options[0]!)).toBe(0);
});

test("where several may be chosen people are counted, not marks", () => {
  const poll = makePoll([3, 3], { kind: "multiple", maxChoices: 2, totalVoters: 4 });
  expect(turnout(poll)).toBe("4 people have voted");
  expect(share(poll, poll.options[0]!)).toBe(0.75);
});

test("the numbers' column grows with the longest", () => {
  expect(digits(makePoll([1, 1]))).toBe(4);
  expect(digits(makePoll([1_234_567, 0]))).toBe("1,234,567".length);
});
