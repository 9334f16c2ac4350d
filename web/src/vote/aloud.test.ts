// Tests what is said aloud, and when.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Aloud } from "./aloud.svelte";

let aloud: Aloud;
beforeEach(() => {
  vi.useFakeTimers();
  aloud = new Aloud();
});
afterEach(() => {
  aloud.close();
  vi.useRealTimers();
});

test("at most every ten seconds, and then the newest", () => {
  const said: string[] = [];
  for (let second = 0; second < 35; second++) {
    aloud.later(`${second}`);
    vi.advanceTimersByTime(1_000);
    if (said.at(-1) !== aloud.words) said.push(aloud.words);
  }
  expect(said.filter(Boolean).length).toBeLessThanOrEqual(4);
  vi.advanceTimersByTime(10_000);
  expect(aloud.words).toBe("34");
});

test("what must not be read any more is taken back, said or not, and something newer is said in its turn", () => {
  aloud.now("Most said: badword");
  aloud.later("Most said: badword, Rust");
  aloud.hush();
  expect(aloud.words).toBe("");
  vi.advanceTimersByTime(20_000);
  expect(aloud.words).toBe("");
  aloud.later("Most said: Rust");
  vi.advanceTimersByTime(10_000);
  expect(aloud.words).toBe("Most said: Rust");
});

test("in a busy room, where something is always newer, it is said all the same", () => {
  for (let tenth = 0; tenth < 100; tenth++) {
    aloud.later(`${tenth} votes`);
    vi.advanceTimersByTime(100);
  }
  expect(aloud.words).toMatch(/^\d+ votes$/);
});

test("a clock that is set back silences nobody", () => {
  aloud.now("1 vote");
  vi.setSystemTime(Date.now() - 3_600_000);
  aloud.later("2 votes");
  vi.advanceTimersByTime(10_000);
  expect(aloud.words).toBe("2 votes");
});

test("what is the same is not said again, and what matters is said at once", () => {
  aloud.now("Next question");
  expect(aloud.words).toBe("Next question");
  aloud.later("1 vote");
  vi.advanceTimersByTime(9_000);
  expect(aloud.words).toBe("Next question");
  vi.advanceTimersByTime(1_000);
  expect(aloud.words).toBe("1 vote");
  aloud.later("1 vote");
  expect(vi.getTimerCount()).toBe(0);
});
