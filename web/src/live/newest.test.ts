// Tests that of two states of one thing the newer stands, until another server begins anew.

import { expect, test } from "vitest";
import { Newest } from "./newest";

test("an older state is not taken, the same one is", () => {
  const newest = new Newest();
  expect(newest.takes("a", 5)).toBe(true);
  expect(newest.takes("a", 4)).toBe(false);
  expect(newest.takes("a", 5)).toBe(true);
  expect(newest.takes("b", 1)).toBe(true);
});

test("only a newer one is news", () => {
  const newest = new Newest();
  expect(newest.isNews("a", 0)).toBe(true);
  newest.takes("a", 5);
  expect([4, 5, 6].map((version) => newest.isNews("a", version))).toEqual([false, false, true]);
});

test("versions start afresh with another epoch, and only then", () => {
  const newest = new Newest();
  newest.greet("one");
  newest.takes("a", 5);
  newest.greet("one");
  expect(newest.takes("a", 1)).toBe(false);
  newest.greet("two");
  expect(newest.takes("a", 1)).toBe(true);
});

test("what was known before the first greeting is kept", () => {
  const newest = new Newest();
  newest.takes("a", 5);
  newest.greet("one");
  expect(newest.takes("a", 4)).toBe(false);
});
