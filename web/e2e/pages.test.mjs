// Every page, in both themes, on a phone and on a projector: axe's rules (contrast too), nothing
// that shifts or sticks out, nothing that the policy had to stop.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { launch, person, says, still } from "./browser.mjs";
import { Pollux } from "./pollux.mjs";

let server, browser, paths;
before(async () => {
  [server, browser] = [await Pollux.start(), await launch()];
  const open = await server.poll("A question that is asked?", ["An answer", "مرحبا بالعالم", "🦀 crab", "x".repeat(180)]);
  await server.votes(open, 1, 3);
  await server.votes(open, 2, 2);
  const closed = await server.poll("A question that was asked?", ["Yes", "No"]);
  await server.votes(closed, 1, 1);
  await server.act(closed, "close");
  const many = await server.poll("x".repeat(500), Array.from({ length: 100 }, (_, i) => `${i + 1}`),
    { kind: "multiple", maxChoices: 3 });
  paths = ["/", "/leaderboard", "/docs", "/docs/errors", "/docs/errors/poll-not-open", "/p/000000",
    "/present/000000", "/nothing-here", ...[open, closed, many].flatMap(({ id }) => [`/p/${id}`, `/present/${id}`])];
});
after(async () => { await browser?.close(); await server?.stop(); });

/** The socket's state shows when a live page has settled; pages without a poll have none. */
async function settled(page) {
  await page.waitForFunction(() => {
    const link = document.getElementById("link");
    return !link || !link.checkVisibility() ? document.readyState === "complete" : link.textContent === "Live";
  });
  await still(page);
}

/** What repeats on a page, axe sees seven of; it is slow, and a hundred options are all alike. */
const REPEATED = ["main > section:nth-of-type(n+8)", ".option:nth-child(n+8)", "tr:nth-child(n+8)"];

async function violations(page) {
  // Legacy means that no second page is opened for pages that have no frames.
  const axe = new AxeBuilder({ page }).setLegacyMode(true);
  for (const rows of REPEATED) axe.exclude(rows);
  const found = (await axe.analyze()).violations;
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3)}`);
}

const SMALL = { width: 320, height: 640 };
// Axe takes its time: it looks once at each theme, once at each kind of layout.
for (const [theme, size, axe] of [["light", SMALL, true], ["dark", { width: 1280, height: 800 }, true],
  ["dark", SMALL, false], ["light", { width: 1920, height: 1080 }, false]]) {
  test(`${theme}, ${size.width} × ${size.height}`, async () => {
    const { page, leave } = await person(browser, { theme, size, expected: /status of 404/ });
    for (const path of paths) {
      await page.goto(server.url + path);
      await settled(page);
      if (axe) assert.deepEqual(await violations(page), [], path);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(wide <= 0, `${path} is ${wide} px too wide`);
      assert.deepEqual(await page.evaluate(() => window.shifts()), [], path);
    }
    await leave();
  });
}

test("an address that leads nowhere is a page for a browser, and a problem for others", async () => {
  const page = await fetch(`${server.url}/nothing-here`, { headers: { Accept: "text/html" } });
  assert.equal(page.status, 404);
  assert.match(page.headers.get("Content-Type"), /^text\/html/);
  const problem = await fetch(`${server.url}/nothing-here`);
  assert.equal(problem.status, 404);
  assert.match(problem.headers.get("Content-Type"), /^application\/problem\+json/);
});

test("over plain HTTP at an address of the network, as in a classroom", async () => {
  const poll = await server.poll("From a phone?", ["Yes", "No"]);
  const { page, leave } = await person(browser);
  await page.goto(`http://classroom.test:${server.port}/p/${poll.code}`);
  assert.equal(await page.evaluate(() => window.isSecureContext), false);
  await page.getByText("Yes", { exact: true }).tap();
  await says(page, "#state-title", /✓ Counted/);
  await says(page, "#link", /^Live$/);
  await leave();
});
