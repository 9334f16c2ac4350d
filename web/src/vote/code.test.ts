import { expect, test } from "vitest";
import { spoken, tidyCode } from "./code";

test.each([
  ["482913", "482913"], [" 482 913 ", "482913"], ["482-913", "482913"], ["482\u2009913\n", "482913"], ["# 482.913", "482913"],
  ["४८२९१३", "482913"], ["٤٨٢٩١٣", "482913"], ["۴۸۲۹۱۳", "482913"], ["４８２９１３", "482913"],
  ["http://192.168.1.5:5000/p/482913", "482913"], ["poll.example/present/482913?x#y", "482913"],
  ["https://poll.example/polls/0199ABCD-0000-7000-8000-000000000000", "0199abcd-0000-7000-8000-000000000000"],
  ["", ""], ["  - ", ""], ["ABC", "abc"], ["🦀", ""],
])("%j is %j", (typed, code) => {
  expect(tidyCode(typed)).toBe(code);
});

test("a code is read in threes, from the end", () => {
  expect(["482913", "1234567", "12345", "0199-ab"].map(spoken)).toEqual(["482\u2009913", "1\u2009234\u2009567", "12345", "0199-ab"]);
});
