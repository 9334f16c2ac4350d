// Measures how much work a frame costs on a stage under 200 updates a second, by Chromium's own tracing. A
// stand-in for the server pushes faster than the real one ever does; the pages are the built ones, under the
// real policy. This is the only hall that is otherwise quiet, because a bad line would be measured with the
// cost.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { launch, person } from "./browser.mjs";
import { Fake } from "./fake.mjs";
import { test } from "./harness.mjs";
import { manyWords } from "./words.mjs";

const PER_SECOND = 200;
const MEASURED_MS = 4_000;
const WINDOWS = 3;
/**
 * Milliseconds of the main thread that a 60 Hz screen leaves for a frame. An idle machine needs less than
 * half of them, as docs/benchmarks.md records; on a busy machine even the thread's own time grows.
 */
const BUDGET = 16;

const WEB = new URL("..", import.meta.url).pathname;
let pages, browser;
before(async () => {
  pages = mkdtempSync(join(tmpdir(), "pollux-pages-"));
  await promisify(execFile)(process.execPath, ["node_modules/vite/bin/vite.js", "build"], {
    cwd: WEB,
    env: { ...process.env, WEB_OUT: pages },
  });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  rmSync(pages, { recursive: true, force: true });
});

/** Returns a choice; with every update about a third of the options have moved. */
function choice(count) {
  const options = Array.from({ length: count }, (_, i) => ({ id: i + 1, text: `Number ${i + 1}`, votes: 0 }));
  const change = (poll) => {
    for (const option of poll.options)
      if (Math.random() < 0.35) option.votes += 1 + Math.floor(Math.random() * option.id);
    poll.totalVotes = poll.totalVoters = poll.options.reduce((sum, { votes }) => sum + votes, 0);
  };
  return { poll: { kind: "single", maxChoices: 1, options }, change, total: "votes" };
}

/** Returns a poll of words. With every update one word has another vote, and now and then there is a new one. */
function words(count) {
  const all = Array.from({ length: count }, (_, i) => ({ text: manyWords[i], votes: 0 }));
  const known = 0.6 * count;
  all.slice(0, known).forEach((word, i) => {
    word.votes = 1 + Math.floor(60 / (i + 1));
  });
  const change = (poll) => {
    all[Math.floor(count * Math.random() ** 3)].votes++;
    poll.words = all.filter(({ votes }) => votes).sort((a, b) => b.votes - a.votes);
    poll.totalVotes = poll.totalVoters = all.reduce((sum, { votes }) => sum + votes, 0);
  };
  const poll = { kind: "words", maxWords: 3, approve: false, words: [], moreWords: 0, otherVotes: 0, unshownVotes: 0 };
  return { poll, change, total: "people" };
}

for (const [name, what] of [
  ["8 options", choice(8)],
  ["30 options", choice(30)],
  ["500 words", words(500)],
]) {
  test(`${name}, ${PER_SECOND} updates a second`, async (t) => {
    const fake = await Fake.start({ pages, ...what });
    t.after(() => fake.stop());
    const { page, leave } = await person(browser, { size: { width: 1920, height: 1080 }, theme: "dark" });
    await page.goto(`${fake.url}/present/${fake.poll.id}`);
    await page.getByText("Live", { exact: true }).waitFor();
    fake.push(PER_SECOND);
    // By then code is compiled and fonts are there.
    await pause(2_000);
    // Other work on this machine can only add to a frame, so the least disturbed window counts.
    let best = Infinity;
    for (let window = 0; window < WINDOWS && best >= BUDGET; window++) {
      const { frames, cpu } = await traced(page, () => pause(MEASURED_MS));
      frames.sort((a, b) => a - b);
      const at = (part) => frames[Math.min(frames.length - 1, Math.floor(part * frames.length))];
      t.diagnostic(
        `${frames.length} frames at ${fake.rate().toFixed(0)} updates/s: median ${at(0.5).toFixed(2)} ms, ` +
          `p95 ${at(0.95).toFixed(2)} ms, greatest ${at(1).toFixed(2)} ms of ${cpu ? "thread" : "wall"} time`,
      );
      assert.ok(frames.length > 15 * (MEASURED_MS / 1000), `only ${frames.length} frames`);
      assert.ok(at(0.5) > 0, "the frames have no work in them: nothing was measured");
      best = Math.min(best, at(0.95));
    }
    const pushed = fake.rate();
    fake.hush();

    const shown = fake.poll.totalVoters;
    await page.locator("footer .total", { hasText: `${shown.toLocaleString("en")} ${what.total}` }).waitFor();
    assert.ok(pushed > 0.9 * PER_SECOND, `only ${pushed} updates a second were pushed`);
    assert.ok(best < BUDGET, `p95 is ${best} ms`);
    await leave();
  });
}

/** Returns the milliseconds that the page's main thread worked for each frame while `work` ran. */
async function traced(page, work) {
  const session = await page.context().browser().newBrowserCDPSession();
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => {
    for (const event of value) events.push(event);
  });
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: ["devtools.timeline", "disabled-by-default-devtools.timeline"] },
  });
  await work();
  const done = new Promise((resolve) => {
    session.once("Tracing.tracingComplete", resolve);
  });
  await session.send("Tracing.end");
  await done;
  await session.detach();

  // A frame ends where the main thread hands it to the compositor. Of all threads that do so the busiest is
  // the stage's.
  const thread = ({ pid, tid }) => `${pid} ${tid}`;
  const ends = new Map();
  for (const event of events.filter(({ name }) => name === "BeginCommitCompositorFrame")) {
    ends.set(thread(event), [...(ends.get(thread(event)) ?? []), event.ts]);
  }
  const [main, commits] =
    [...ends].sort(([, a], [, b]) => b.length - a.length)[0] ?? assert.fail("no frame was traced");
  commits.sort((a, b) => a - b);
  const tasks = events.filter((event) => event.name === "RunTask" && event.ph === "X" && thread(event) === main);
  // Thread time leaves out what else runs on this machine. A slice that is cut off at the end has none.
  const timed = tasks.filter(({ tdur }) => tdur !== undefined);
  const cpu = timed.length > 0.9 * tasks.length;
  const sums = new Array(commits.length).fill(0);
  for (const task of cpu ? timed : tasks) {
    const frame = commits.findIndex((end) => end >= task.ts);
    if (frame >= 0) sums[frame] += (cpu ? task.tdur : task.dur) / 1000;
  }
  // The first sum also holds whatever went before.
  return { frames: sums.slice(1), cpu };
}
