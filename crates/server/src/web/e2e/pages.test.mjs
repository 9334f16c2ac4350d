// Every page, in both themes, on a phone and on a projector: axe's rules (contrast too), nothing
// that shifts or sticks out, nothing that the policy had to stop.

import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { launch, person, says } from "./browser.mjs";
import { Pollux } from "./pollux.mjs";

let server, browser, paths;
before(async () => {
  [server, browser] = [await Pollux.start("0.0.0.0"), await launch()];
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

/** The socket's state shows when a live page has settled; the other pages have none. */
async function settled(page) {
  await page.waitForFunction(() => {
    const link = document.getElementById("link");
    return !link || link.textContent === "Live" || !link.checkVisibility() || document.title === "On stage · Pollux";
  });
}

for (const [theme, size] of [["light", { width: 320, height: 640 }], ["dark", { width: 320, height: 640 }],
  ["light", { width: 1920, height: 1080 }], ["dark", { width: 1280, height: 800 }]]) {
  test(`${theme}, ${size.width} × ${size.height}`, async (t) => {
    const { page, context, faults, shift } = await person(browser, { theme, size });
    for (const path of paths) {
      await page.goto(server.url + path);
      await settled(page);
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3)}`);
      assert.deepEqual(found, [], path);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(wide <= 0, `${path} is ${wide} px too wide`);
      assert.ok(await shift() < 0.001, `${path} shifts by ${await shift()}`);
    }
    assert.deepEqual(faults, []);
    await context.close();
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

test("over plain HTTP at an address of the network, as in a classroom", async (t) => {
  const lan = Object.values(networkInterfaces()).flat().find((a) => a.family === "IPv4" && !a.internal);
  if (!lan) return t.skip("this machine has no address but the loopback");
  const base = `http://${lan.address}:${server.port}`;
  const poll = await server.poll("From a phone?", ["Yes", "No"]);
  const { page, context, faults } = await person(browser);
  await page.goto(`${base}/p/${poll.code}`);
  assert.equal(await page.evaluate(() => window.isSecureContext), false);
  await page.getByText("Yes", { exact: true }).click();
  await says(page, "#state-title", /✓ Counted/);
  await says(page, "#link", /^Live$/);
  assert.deepEqual(faults, []);
  await context.close();
});
