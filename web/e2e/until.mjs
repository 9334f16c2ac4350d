// Waiting for what comes about by itself.

import { setTimeout as pause } from "node:timers/promises";

/** What a wait waits for comes within this, also on a slow machine, or never. */
export const PATIENCE_MS = 30_000;

/** Wait until this answers something, and bring that; it may throw meanwhile. Who has waited too long says for what. */
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
