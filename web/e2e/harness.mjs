// Runs a test in a busy hall. It ends whatever happens, and when it fails it prints what was on its screens.

import { after, test as once } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { abandon, launch, screens } from "./browser.mjs";
import { lines } from "./line.mjs";
import { Pollux } from "./pollux.mjs";
import { PATIENCE_MS } from "./until.mjs";

/**
 * The longest try, in milliseconds. The longest test takes half a minute, on a slow machine three times that.
 */
const TRY_MS = 180_000;
/**
 * Tries after the first: none in the nightly run, and one in `make test`, whose hall draws its accidents anew
 * each time.
 */
const RETRIES = Number(process.env.E2E_RETRIES ?? 0);

/** Starts the server and the browser that a file's tests share; both end after the tests. */
export async function inHall() {
  const server = await Pollux.start();
  let browser;
  after(async () => {
    await browser?.close();
    await server.stop();
  });
  browser = await launch();
  return { server, browser };
}

/**
 * Registers a test with node:test; `steps` gets its context. A failed try is printed with what its screens
 * showed. A test that passes at its second try is printed as FLAKY and counted by run.mjs: it is a fault to
 * be found, but no reason to stop the others.
 */
export function test(name, steps) {
  once(name, { timeout: TRY_MS * (RETRIES + 1) + PATIENCE_MS }, async (t) => {
    for (let left = RETRIES; ; left--) {
      try {
        await within(steps(t), TRY_MS);
        if (left < RETRIES) console.log(`FLAKY: ${name}`);
        return;
      } catch (error) {
        console.log(`failed: ${name}\n${error?.stack ?? error}\n${await screens()}`);
        await abandon();
        for (const line of lines) line.forget();
        if (!left) throw error;
      }
    }
  });
}

/**
 * Registers a test that only `make nightly` runs: one more size, font or accident of what a test of every run
 * shows.
 */
export const nightly = process.env.E2E_NIGHTLY ? test : () => {};

/**
 * Pairs each variant of a test with the function that registers it. The first `always` of them are in every run,
 * the others in the nightly one.
 */
export const sampled = (variants, always = 1) => variants.map((one, i) => [i < always ? test : nightly, one]);

/** Resolves as `promise` does, or throws when that takes longer than `ms`. */
async function within(promise, ms) {
  const late = new AbortController();
  const end = pause(ms, null, { signal: late.signal }).then(() => {
    throw new Error(`not through after ${ms / 1000} s`);
  });
  end.catch(() => {});
  try {
    return await Promise.race([promise, end]);
  } finally {
    late.abort();
  }
}
