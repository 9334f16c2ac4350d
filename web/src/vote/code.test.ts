// Tests how typed codes are read.

import { expect, test } from "vitest";
import { tidyCode } from "./code";

test.each([
  ["482913", "482913"],
  [" 482 913 ", "482913"],
  ["482-913", "482913"],
  ["482\u2009913\n", "482913"],
  ["# 482.913", "482913"],
  ["४८२९१३", "482913"],
  ["٤٨٢٩١٣", "482913"],
  ["۴۸۲۹۱۳", "482913"],
  ["４８２９１３", "482913"],
  ["http://192.168.1.5:5000/p/482913", "482913"],
  ["poll.example/present/482913?x#y", "482913"],
  ["https://poll.example/polls/0199ABCD-0000-7000-8000-000000000000", "0199abcd-0000-7000-8000-000000000000"],
  ["", ""],
  ["  - ", ""],
  ["ABC", "abc"],
  ["🦀", ""],
])("%j is %j", (typed, code) => {
  expect(tidyCode(typed)).toBe(code);
});
