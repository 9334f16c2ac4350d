// Tests the server's time, whatever this device's clock does.

import { afterEach, beforeEach, expect, test, vi } from "vitest";

const HOUR = 3_600_000;
/** The device's clock as the test begins; the server's is right. */
const START = Date.parse("2026-01-01T12:00:00Z");

let clock: typeof import("./clock");
beforeEach(async () => {
  vi.useFakeTimers({ now: START });
  vi.resetModules();
  clock = await import("./clock");
});
afterEach(() => {
  vi.useRealTimers();
});

const answer = (time = Date.now()) => clock.heard(new Date(time).toUTCString());
/** Sets the device's clock, which the clock that only runs does not notice. */
const set = (by: number) => vi.setSystemTime(Date.now() + by);

test("before the server has said anything this device's clock is all there is, and it is doubtful", () => {
  expect([clock.now(), clock.doubtful()]).toEqual([START, true]);
  clock.heard(null);
  expect(clock.doubtful()).toBe(true);
  answer();
  expect([clock.now(), clock.doubtful()]).toEqual([START, false]);
});

test.each([HOUR, -HOUR])("a device that is wrong by %d ms goes by the server", (wrong) => {
  answer(START - wrong);
  vi.advanceTimersByTime(90_000);
  expect([clock.now(), clock.doubtful()]).toEqual([START - wrong + 90_000, false]);
});

test("a clock that is set back does not take the time back", () => {
  answer();
  vi.advanceTimersByTime(5_000);
  set(-HOUR);
  expect([clock.now(), clock.doubtful()]).toEqual([START + 5_000, true]);
  answer(START + 5_000);
  vi.advanceTimersByTime(1_000);
  expect([clock.now(), clock.doubtful()]).toEqual([START + 6_000, false]);
});

test("a clock that is set forward, like one after a sleep, is doubted until the server has said", () => {
  answer();
  set(HOUR);
  expect(clock.doubtful()).toBe(true);
  answer(START);
  expect([clock.now(), clock.doubtful()]).toEqual([START, false]);
});

test.each([1_000, 3_000, 15_000])(
  "a device that is %d ms slow goes by the server, also when it slept for a moment",
  (slow) => {
    answer(START + slow);
    vi.advanceTimersByTime(3_000);
    expect([clock.now(), clock.doubtful()]).toEqual([START + slow + 3_000, false]);
    // The clock on the wall goes on meanwhile; the one that only runs stands still.
    set(10_000);
    expect([clock.now(), clock.doubtful()]).toEqual([START + slow + 13_000, false]);
  },
);

test("a device that is right is not taken for a fast one, however long the answer was under way", () => {
  answer(START - 7_300);
  vi.advanceTimersByTime(3_000);
  expect(clock.now()).toBe(START + 3_000);
});

test("a few seconds make no doubt", () => {
  answer(START + 19_000);
  set(15_000);
  expect(clock.doubtful()).toBe(false);
});
