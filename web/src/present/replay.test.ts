// Tests that the replay goes by the log's own times, whatever the distances of its frames.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { refusal } from "../api/fixture";
import { LASTS, Replay } from "./replay.svelte";

const recording = {
  from: "2026-11-22T10:00:00.000Z",
  to: "2026-11-22T10:10:00.000Z",
  voters: 10,
  frames: [
    { at: "2026-11-22T10:00:00.000Z", votes: [1, 0] },
    // For half of the time nothing happens, and then everything at once.
    { at: "2026-11-22T10:05:00.000Z", votes: [1, 2] },
    { at: "2026-11-22T10:10:00.000Z", votes: [6, 4] },
  ],
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["requestAnimationFrame", "cancelAnimationFrame", "performance"] });
  vi.stubGlobal("fetch", async () => Response.json(recording));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("compressed into twenty seconds, and ending at the final tally", async () => {
  const replay = new Replay();
  expect(replay.figures).toBeNull();
  expect(await replay.begin("id", null)).toBeNull();
  vi.advanceTimersByTime(0.4 * LASTS);
  expect(replay.figures).toEqual({ votes: [1, 0], voters: 10 });
  expect(replay.at - Date.parse(recording.from)).toBeGreaterThan(230_000);
  vi.advanceTimersByTime(0.2 * LASTS);
  expect(replay.figures!.votes).toEqual([1, 2]);
  vi.advanceTimersByTime(0.5 * LASTS);
  expect(replay.ended).toBe(true);
  expect(replay.playing).toBe(false);
  expect(replay.figures!.votes).toEqual([6, 4]);
});

test("held, gone on, begun again, left", async () => {
  const replay = new Replay();
  await replay.begin("id", null);
  vi.advanceTimersByTime(0.3 * LASTS);
  replay.toggle();
  const held = replay.progress;
  vi.advanceTimersByTime(LASTS);
  expect(replay.progress).toBe(held);
  replay.toggle();
  vi.advanceTimersByTime(0.1 * LASTS);
  expect(replay.progress).toBeGreaterThan(held);
  expect(replay.progress).toBeLessThan(held + 0.15);
  replay.restart();
  expect(replay.progress).toBe(0);
  replay.leave();
  expect(replay.figures).toBeNull();
});

test("what is wrong is said", async () => {
  vi.stubGlobal("fetch", async () => refusal(409, "wrong-status", { detail: "the poll is not final yet" }));
  expect(await new Replay().begin("id", null)).toBe("The poll is not final yet");
  vi.stubGlobal("fetch", async () => Response.json({ ...recording, frames: [] }));
  expect(await new Replay().begin("id", null)).toMatch(/Nobody has voted/);
});
