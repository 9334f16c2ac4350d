// Tests that each frame of confetti is drawn on a clean canvas, and that nothing is left behind.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { confetti } from "./confetti";

/** What the canvas was told: whether its axes are turned, what was cleared, and how many pieces were drawn. */
let turned: boolean, cleared: { turned: boolean; box: number[] }[], pieces: number;

beforeEach(() => {
  [turned, cleared, pieces] = [false, [], 0];
  vi.useFakeTimers();
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue({
    resetTransform: () => {
      turned = false;
    },
    setTransform: () => {
      turned = true;
    },
    rotate: () => {
      turned = true;
    },
    clearRect: (...box: number[]) => cleared.push({ turned, box }),
    fillRect: () => {
      pieces++;
    },
  } as unknown as RenderingContext);
});
afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
});

const canvas = () => document.querySelector("canvas");

test("every frame begins with all of the canvas, whatever the last piece did to it", () => {
  confetti();
  vi.advanceTimersByTime(300);
  expect(cleared.length).toBeGreaterThan(5);
  expect(pieces).toBeGreaterThan(500);
  for (const { turned, box } of cleared) {
    expect(turned).toBe(false);
    expect(box).toEqual([0, 0, canvas()!.width, canvas()!.height]);
  }
});

test("it goes by itself, and draws no more", () => {
  confetti();
  expect(canvas()).not.toBe(null);
  vi.advanceTimersByTime(1_500);
  expect(canvas()).toBe(null);
  const before = pieces;
  vi.advanceTimersByTime(1_000);
  expect(pieces).toBe(before);
});

test("it goes when it is stopped", () => {
  const stop = confetti();
  vi.advanceTimersByTime(200);
  stop();
  const before = pieces;
  vi.advanceTimersByTime(500);
  expect([canvas(), pieces]).toEqual([null, before]);
});
