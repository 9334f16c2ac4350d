import { expect, test } from "vitest";
import { counted, countdown, percent, share, span, spoken } from "./numbers";

test("a share is of the people who voted", () => {
  expect(share(3, 12)).toBe(0.25);
  expect(share(3, 0)).toBe(0);
  expect(share(null, null)).toBe(0);
  expect(share(12, 3)).toBe(1);
});

test("no rounding makes everybody of most, or nobody of few", () => {
  expect(percent(1)).toBe("100%");
  expect(percent(0.999)).toBe("99%");
  expect(percent(0.004)).toBe("0.4%");
  expect(percent(0.00001)).toBe("0.1%");
  expect(percent(0)).toBe("0%");
  expect(percent(0.375)).toBe("38%");
});

test("numbers and their nouns", () => {
  expect(counted(1, "vote", "votes")).toBe("1 vote");
  expect(counted(12480, "vote", "votes")).toBe("12,480 votes");
});

test("codes are read in threes or fours", () => {
  expect(spoken("482913")).toBe("482\u2009913");
  expect(spoken("48291377")).toBe("4829\u20091377");
});

test("spans of time", () => {
  expect(countdown(0)).toBe("0:00");
  expect(countdown(59_001)).toBe("1:00");
  expect(countdown(3_905_000)).toBe("1:05:05");
  expect(span(8_000)).toBe("8\u00a0s");
  expect(span(14 * 60_000)).toBe("14\u00a0min");
  expect(span(125 * 60_000)).toBe("2\u00a0h 5\u00a0min");
});
