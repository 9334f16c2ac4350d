// Debian's Chromium without a window, and what every test asks of a page.

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
  // A name that is not the loopback's: to a page it is an address of the network, and no secure context.
  "--host-resolver-rules=MAP classroom.test 127.0.0.1",
];

/** Who is there: the page by its context. */
const present = new Map();

export const PHONE = { width: 390, height: 780 };
export const STAGE = { width: 1280, height: 720 };

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
  });
}

/**
 * A person with a browser of their own: {context, page, leave()}. Whoever leaves has seen no script
 * error, nothing in the console that is not `expected` or the line's doing, no breach of the content security policy
 * (Chromium reports each in the console), and nothing that moved, unless they moved it.
 */
export async function person(browser, { size = PHONE, theme = "light", expected = /^$/, ...rest } = {}) {
  const context = await browser.newContext({ viewport: size, colorScheme: theme, hasTouch: true, ...rest });
  await context.addInitScript(watchShifts);
  await context.addInitScript((wanted) => {
    if (!localStorage.getItem("pollux.theme")) localStorage.setItem("pollux.theme", JSON.stringify(wanted));
  }, theme);
  // Two answers by strangers in a row, and the pauses after them, fit in on a slow machine.
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  present.set(context, page);
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    const words = `${message.text()} (${message.location().url})`;
    // Where something else has answered in the server's place, the browser says so.
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

/** What those who are there see, for whoever reads that a test failed. */
export async function screens() {
  const read = (page) => page.evaluate(() => `${location.href}\n${document.body.innerText.slice(0, 600)}`);
  const stuck = (page) => pause(2_000, `${page.url()}\n(the page does not answer)`);
  const seen = await Promise.all(
    [...present.values()].map((page) => Promise.race([read(page), stuck(page)]).catch(String)),
  );
  return seen.map((text) => `on a screen: ${text}`).join("\n");
}

/** All leave at once, unasked. */
export async function abandon() {
  const contexts = [...present.keys()];
  present.clear();
  await Promise.race([Promise.allSettled(contexts.map((context) => context.close())), pause(5_000)]);
}

/** Keep all that shifted, after a tap or not: what a browser forgives depends on how fast it was. */
function watchShifts() {
  const found = [];
  const take = (list) => {
    for (const entry of list) {
      // Text that is written anew on its line and ends where it ended before has not moved: a figure
      // at the end of a line grows to the left.
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

/** Wait until an element's text matches. */
export async function says(page, selector, pattern) {
  await page.waitForFunction(
    ([where, source]) => {
      return new RegExp(source).test(document.querySelector(where)?.textContent ?? "");
    },
    [selector, pattern.source],
  );
}

/** Wait until nothing fades or slides any more. */
export function still(page) {
  // What turns until something happens is not waited for.
  return page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter((animation) => Number.isFinite(animation.effect.getComputedTiming().endTime))
        .map((animation) => animation.finished),
    ),
  );
}
