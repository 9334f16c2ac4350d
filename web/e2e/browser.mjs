// Starts Debian's Chromium without a window, and holds what every test asks of a page.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { chromium } from "playwright-core";
import { excused } from "./line.mjs";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // This name is not the loopback's, so a page takes it for an address of the network, which is no secure
  // context.
  "--host-resolver-rules=MAP classroom.test 127.0.0.1",
];

/** The page of each context that is open. */
const present = new Map();

export const PHONE = { width: 390, height: 780 };
export const STAGE = { width: 1280, height: 720 };

/** Starts the browser. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
  });
}

/**
 * Opens a browser context for one person: {context, page, leave()}. `leave` asserts that there was no script
 * error, nothing in the console that is not `expected` or the line's doing, no breach of the content security
 * policy (Chromium reports each in the console), and, unless `moved`, no layout shift.
 */
export async function person(browser, { size = PHONE, theme = "light", expected = /^$/, ...rest } = {}) {
  const context = await browser.newContext({ viewport: size, colorScheme: theme, hasTouch: true, ...rest });
  await context.addInitScript(watchShifts);
  await context.addInitScript((wanted) => {
    if (!localStorage.getItem("pollux.theme")) localStorage.setItem("pollux.theme", JSON.stringify(wanted));
  }, theme);
  // On a slow machine two wrong answers in a row, with the pauses after them, fit into this.
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  present.set(context, page);
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    const words = `${message.text()} (${message.location().url})`;
    // The browser reports in the console that something else has answered in the server's place.
    if (["error", "warning"].includes(message.type()) && !expected.test(message.text()) && !excused(words))
      faults.push(words);
  });
  const leave = async ({ moved = false } = {}) => {
    const shifts = await page.evaluate(() => window.shifts());
    present.delete(context);
    await context.close();
    assert.deepEqual(faults, []);
    if (!moved) assert.deepEqual(shifts, []);
  };
  return { context, page, leave };
}

/** Returns what all open pages show, for whoever reads that a test failed. */
export async function screens() {
  const read = (page) => page.evaluate(() => `${location.href}\n${document.body.innerText.slice(0, 600)}`);
  const stuck = (page) => pause(2_000, `${page.url()}\n(the page does not answer)`);
  const seen = await Promise.all(
    [...present.values()].map((page) => Promise.race([read(page), stuck(page)]).catch(String)),
  );
  return seen.map((text) => `on a screen: ${text}`).join("\n");
}

/** Closes all contexts at once, without their assertions. */
export async function abandon() {
  const contexts = [...present.keys()];
  present.clear();
  await Promise.race([Promise.allSettled(contexts.map((context) => context.close())), pause(5_000)]);
}

/**
 * Keeps every layout shift, after a tap or not. Browsers forgive shifts soon after a tap, which depends on
 * how fast the machine was.
 */
function watchShifts() {
  const found = [];
  const take = (list) => {
    for (const entry of list) {
      // Text that is written anew on its line and ends where it ended before has not moved: a figure at the
      // end of a line grows to the left.
      const near = (a, b) => Math.abs(a - b) < 1;
      const stood = (a, b) => a.y === b.y && a.height === b.height && near(a.x + a.width, b.x + b.width);
      if (
        entry.sources.length &&
        entry.sources.every(({ previousRect, currentRect }) => stood(previousRect, currentRect))
      )
        continue;
      const of = entry.sources.map(({ node, previousRect: a, currentRect: b }) => {
        const name = node?.id ? `#${node.id}` : node?.className ? `.${node.className}` : `${node?.nodeName}`;
        return `${name} ${[a, b].map((r) => `${r.x},${r.y} ${r.width}×${r.height}`).join(" → ")}`;
      });
      found.push({ by: entry.value, of, ms: Math.round(entry.startTime) });
    }
  };
  const observer = new PerformanceObserver((list) => take(list.getEntries()));
  observer.observe({ type: "layout-shift", buffered: true });
  window.shifts = () => {
    take(observer.takeRecords());
    return found;
  };
}

/** Waits until an element's text matches. */
export async function says(page, selector, pattern) {
  await page.waitForFunction(
    ([where, source]) => {
      return new RegExp(source).test(document.querySelector(where)?.textContent ?? "");
    },
    [selector, pattern.source],
  );
}

/** Waits until nothing fades or slides any more. */
export function still(page) {
  // An endless animation is not waited for.
  return page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter((animation) => Number.isFinite(animation.effect.getComputedTiming().endTime))
        .map((animation) => animation.finished),
    ),
  );
}
