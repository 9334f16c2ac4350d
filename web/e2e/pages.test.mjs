// Tests every public page in both themes, on a phone and on a projector: axe's rules (contrast too), nothing
// that shifts or sticks out, nothing that the policy had to stop.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { before } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { person, still } from "./browser.mjs";
import { inHall, sampled, test } from "./harness.mjs";

const { server, browser } = await inHall();
let live, words;
before(async () => {
  const open = await server.poll("A question that is asked?", [
    "An answer",
    "مرحبا بالعالم",
    "🦀 crab",
    "x".repeat(180),
  ]);
  await server.votes(open, 1, 3);
  await server.votes(open, 2, 2);
  const closed = await server.poll("A question that was asked?", ["Yes", "No"]);
  await server.votes(closed, 1, 1);
  await server.act(closed, "close");
  const hidden = await server.poll("Sealed?", ["Castor", "Polydeuces"], { results: "hidden" });
  const many = await server.poll(
    "x".repeat(500),
    Array.from({ length: 100 }, (_, i) => `${i + 1}`),
    { kind: "multiple", maxChoices: 3 },
  );
  const event = await server.call("POST", "/api/events", { body: { title: "A conference", accent: "#7c3aed" } });
  const polls = [open, closed, hidden, many, event].map(({ id }) => id);
  live = ["/leaderboard", "/studio", ...polls.flatMap((id) => [`/p/${id}`, `/present/${id}`])];
  words = [
    "/",
    "/p/000000",
    "/present/000000",
    "/docs",
    "/docs/errors",
    "/docs/errors/poll-not-open",
    "/nothing-here",
    ...polls.map((id) => `/embed/${id}`),
    ...polls.slice(0, -1).map((id) => `/overlay/${id}`),
  ];
});

/** Waits until a page that connects is connected, and at rest. */
async function settled(page, path) {
  if (live.includes(path))
    await page
      .getByText(/^Live$/)
      .first()
      .waitFor();
  await page.waitForFunction(() => document.body.innerText.trim());
  await page.locator("[aria-busy=true]").waitFor({ state: "detached" });
  if (/^.(embed|overlay)/.test(path)) await page.getByText("Connecting…").waitFor({ state: "hidden" });
  await still(page);
}

/**
 * What repeats on a page beyond the seventh, which axe skips: it is slow, and a hundred options are all
 * alike.
 */
const REPEATED = ["main > section:nth-of-type(n+8)", "label:nth-child(n+8)", "li:nth-child(n+8)", "tr:nth-child(n+8)"];

async function violations(page) {
  // In legacy mode axe opens no second page, which only pages with frames need.
  const axe = new AxeBuilder({ page }).setLegacyMode(true);
  for (const rows of REPEATED) axe.exclude(rows);
  const found = (await axe.analyze()).violations;
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3)}`);
}

const SMALL = { width: 320, height: 640 };
// Axe is slow, so it looks once at each theme and once at each kind of layout.
for (const [register, [theme, size, axe]] of sampled(
  [
    ["light", SMALL, true],
    ["dark", { width: 1280, height: 800 }, true],
    ["dark", SMALL, false],
    ["light", { width: 1920, height: 1080 }, false],
  ],
  2,
)) {
  register(`${theme}, ${size.width} × ${size.height}`, async () => {
    const { page, leave } = await person(browser, { theme, size, expected: /status of 404|response code: 404/ });
    for (const path of [...live, ...words]) {
      await page.goto(server.url + path);
      await settled(page, path).catch((error) => assert.fail(`${path} does not settle: ${error.message}`));
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

test("another site frames what its owner lets it, and nothing else", async (t) => {
  let frames = "";
  const other = createServer((_, response) => response.setHeader("Content-Type", "text/html").end(frames));
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  t.after(() => {
    other.closeAllConnections();
    other.close();
  });
  const site = `http://classroom.test:${other.address().port}`;
  const shown = await server.poll("Framed?", ["Yes", "No"], { embed: [site] });
  const kept = await server.poll("Kept?", ["Yes", "No"]);
  frames = [`embed/${shown.id}`, `overlay/${shown.id}`, `embed/${kept.id}`, `overlay/${kept.id}`, `p/${shown.id}`]
    .map((path) => `<iframe title="${path}" src="${server.url}/${path}"></iframe>`)
    .join("");
  const page = await browser.newPage();
  await page.goto(site);
  for (const kind of ["embed", "overlay"]) {
    await page.frameLocator(`[title="${kind}/${shown.id}"]`).getByText("Yes", { exact: true }).waitFor();
  }
  for (const path of [`embed/${kept.id}`, `overlay/${kept.id}`, `p/${shown.id}`]) {
    assert.equal(await page.frameLocator(`[title="${path}"]`).getByText("Yes", { exact: true }).count(), 0, path);
  }
  await page.close();
});
