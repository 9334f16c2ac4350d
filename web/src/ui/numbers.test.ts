// Tests how numbers, shares and times are written.

import { expect, test } from "vitest";
import * as stage from "./numbers";
import { counted, countdown, lasting, percent, rate, share, span, spoken } from "./numbers";
import { writing } from "./writing";

test("a share is of the people who voted", () => {
  expect(share(3, 12)).toBe(0.25);
  expect(share(3, 0)).toBe(0);
  expect(share(null, null)).toBe(0);
  expect(share(12, 3)).toBe(1);
});

test("no rounding makes everybody of most, or nobody of few", () => {
  expect(percent(1)).toBe("100%");
  expect(percent(0.997)).toBe("99%");
  expect(percent(0.004)).toBe("0.4%");
  expect(percent(0.00001)).toBe("0.1%");
  expect(percent(0)).toBe("0%");
  expect(percent(0.375)).toBe("38%");
});

test("the phone's writing, in the same language, is the stage's and the studio's", () => {
  const phone = writing("en");
  for (const n of [0, 0.00001, 0.004, 0.0099, 0.01, 0.375, 0.5, 0.995, 0.997, 1])
    expect(phone.percent(n)).toBe(stage.percent(n));
  for (const n of [0, 0.05, 2.25, 12_480])
    expect([phone.number(n), phone.decimal(n)]).toEqual([stage.number(n), stage.decimal(n)]);
  for (const n of [0, 59, 89, 90, 100, 4_000, 7_500])
    expect([phone.span(n), phone.lasting(n)]).toEqual([stage.span(n), stage.lasting(n)]);
});

test("numbers and their nouns", () => {
  expect(counted(1, "vote", "votes")).toBe("1 vote");
  expect(counted(12480, "vote", "votes")).toBe("12,480 votes");
  expect([0, 0.24, 3, 12.4].map(rate)).toEqual(["0", "0.2", "3.0", "12"]);
});

test("codes are read in threes or fours; ids as they are", () => {
  expect(spoken("482913")).toBe("482\u2009913");
  expect(spoken("48291377")).toBe("4829\u20091377");
  expect(["12345", "0199-ab", "0199abcd"].map(spoken)).toEqual(["12345", "0199-ab", "0199abcd"]);
});

test("spans of time", () => {
  expect(countdown(0)).toBe("0:00");
  expect(countdown(59_001)).toBe("1:00");
  expect(countdown(3_905_000)).toBe("1:05:05");
  const plain = (said: string[]) => said.map((one) => one.replaceAll("\u00a0", " "));
  expect(plain([8, 89, 14 * 60 + 7, 125 * 60].map(span))).toEqual(["8 sec", "1 min 29 sec", "14 min", "2 hr 5 min"]);
  expect(plain([0, 59, 60, 61, 3_600, 3_661, 3_605, 90_000, 86_400, -5].map(lasting))).toEqual([
    "0 sec",
    "59 sec",
    "1 min",
    "1 min 1 sec",
    "1 hr",
    "1 hr 1 min",
    "1 hr",
    "1 day 1 hr",
    "1 day",
    "0 sec",
  ]);
  expect(span(8), "no line ends in it").not.toContain(" ");
});

test.each([
  ["de", "34\u00a0Sek."],
  ["es", "34\u00a0s"],
  ["hi", "34\u00a0से॰"],
])("in %s a span has that language's words", (language, words) => {
  expect(writing(language).span(34).replaceAll("\u202f", "\u00a0")).toBe(words);
});
