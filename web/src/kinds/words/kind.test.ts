// Tests what a poll of words is on every screen.

import { expect, test } from "vitest";
import type { Poll } from "../../api/generated";
import { withdraws } from "../kind";

const poll = (texts: string[] | null, id = "a") =>
  ({ id, kind: "words", words: texts && texts.map((text) => ({ text, votes: 1 })) }) as unknown as Poll;

test("a text that is shown no more was withdrawn", () => {
  expect(withdraws(poll(["Rust", "Go"]), poll(["Rust"]))).toBe(true);
  expect(withdraws(poll(["Rust"]), poll(null)), "the results are hidden again").toBe(true);
  expect(withdraws(poll(["Rust"]), poll(["Go", "Rust"]))).toBe(false);
  expect(withdraws(poll(null), poll(["Rust"]))).toBe(false);
  expect(withdraws(poll(["Rust"]), poll([], "b")), "another poll is told anyway").toBe(false);
});
