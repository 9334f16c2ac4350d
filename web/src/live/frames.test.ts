// Tests that the page changes once a frame, however many messages arrive.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Frames } from "./frames";

let done: string[], frames: Frames;
const later = (name: string, word = name) =>
  frames.next(name, () => {
    done.push(word);
  });

beforeEach(() => {
  vi.useFakeTimers();
  [done, frames] = [[], new Frames()];
});
afterEach(() => {
  vi.useRealTimers();
});

test("of several under one name the last is done, once, in the order of the names", () => {
  later("poll", "old");
  later("event");
  later("poll", "new");
  expect(done).toEqual([]);
  vi.advanceTimersToNextFrame();
  expect(done).toEqual(["new", "event"]);
  vi.advanceTimersByTime(1_000);
  expect(done).toHaveLength(2);
});

test("what is due while something is done waits for the next frame", () => {
  frames.next("first", () => later("second"));
  vi.advanceTimersToNextFrame();
  expect(done).toEqual([]);
  vi.advanceTimersToNextFrame();
  expect(done).toEqual(["second"]);
});

test("a hidden page is brought up to date without frames", () => {
  vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  const frame = vi.spyOn(globalThis, "requestAnimationFrame");
  later("poll");
  vi.advanceTimersByTime(250);
  expect(done).toEqual(["poll"]);
  expect(frame).not.toHaveBeenCalled();
});

test("flushed, nothing is left for the frame", () => {
  later("poll");
  frames.flush();
  expect(done).toEqual(["poll"]);
  vi.advanceTimersByTime(1_000);
  expect(done).toHaveLength(1);
});
