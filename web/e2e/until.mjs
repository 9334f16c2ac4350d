// Waits for conditions that come true by themselves.

import { setTimeout as pause } from "node:timers/promises";

/** How long a wait lasts before it fails, in milliseconds. It is long enough for a slow machine. */
export const PATIENCE_MS = 30_000;

/**
 * Waits until `is` returns something truthy, and returns that; `is` may throw meanwhile. The error of a wait
 * that lasted too long names `what`.
 */
export async function until(is, { what = `${is}`, patience = PATIENCE_MS } = {}) {
  let failed;
  for (const end = Date.now() + patience; Date.now() < end; await pause(20)) {
    try {
      const found = await is();
      if (found) return found;
      failed = undefined;
    } catch (error) {
      failed = error;
    }
  }
  throw new Error(`not within ${patience / 1000} s: ${what}`, { cause: failed });
}
