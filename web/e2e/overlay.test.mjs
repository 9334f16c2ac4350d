// Tests what stands beside the stage: the overlay, the embed and the leaderboard.

import assert from "node:assert/strict";
import { PNG } from "pngjs";
import { inHall, test } from "./harness.mjs";
import { Pollux } from "./pollux.mjs";
import { moves, openOn, row, stageIn, watchMoves } from "./stage.mjs";

const { server, browser } = await inHall();

const stage = (rest) => stageIn(browser, rest);
const open = (page, path, on = server) => openOn(page, on, path);

test("an overlay is transparent and read-only; an embed stands on a card", async () => {
  const poll = await server.poll("Over a stream?", ["Yes", "No"]);
  await server.votes(poll, 1, 1);
  const { page, leave } = await stage();
  await page.goto(`${server.url}/overlay/${poll.id}?code=1`);
  await row(page, "Yes").getByText("100%").waitFor();
  await page.getByText(poll.code.replace(/(...)(...)/, "$1\u2009$2")).waitFor();
  const alpha = (at) =>
    page.screenshot({ omitBackground: true }).then((png) => {
      const { data, width } = PNG.sync.read(png);
      return data[(at[1] * width + at[0]) * 4 + 3];
    });
  assert.equal(await alpha([2, 2]), 0, "the overlay has a background");
  assert.equal(await page.locator("button, a, input").count(), 0);
  await page.goto(`${server.url}/embed/${poll.id}?layout=columns&theme=light`);
  await row(page, "Yes").getByText("100%").waitFor();
  assert.equal(await alpha([2, 2]), 255);
  assert.equal(await page.getAttribute("html", "data-theme"), "light");
  assert.equal(await page.locator("button, a, input").count(), 0);
  await leave();
});

test("the leaderboard moves when ranks do; equal votes share a rank", async () => {
  const poll = await server.poll("Who leads?", ["Hare", "Tortoise", "Snail"]);
  await server.votes(poll, 1, 20);
  await server.votes(poll, 2, 19);
  const { page, leave } = await stage();
  await open(page, "/leaderboard");
  const ranking = page.getByRole("list", { name: "Options in front" }).getByRole("listitem");
  await ranking.first().getByText("Hare").waitFor();
  await watchMoves(page);
  await server.votes(poll, 2, 1, "level");
  await page.waitForFunction(
    () =>
      [...document.querySelectorAll("ol:first-of-type .rank")]
        .slice(0, 2)
        .map((r) => r.textContent)
        .join() === "1,1",
  );
  await server.votes(poll, 2, 1, "ahead");
  await page.waitForFunction(() => /Tortoise/.test(document.querySelector("ol li").textContent));
  assert.ok(
    (await moves(page)).some((text) => text.includes("Tortoise")),
    `moved: ${await moves(page)}`,
  );
  assert.match(await ranking.first().textContent(), /1\s*Tortoise\s*Who leads\?.*21/s);
  await leave({ moved: true });
});

test("an empty leaderboard says what will come", async (t) => {
  const empty = await Pollux.start();
  t.after(() => empty.stop());
  const { page, leave } = await stage();
  await open(page, "/leaderboard", empty);
  await page.getByText("No votes yet").waitFor();
  await leave();
});

test("with reduced motion nothing moves", async () => {
  const poll = await server.poll("Calm?", ["Yes", "No"], { results: "hidden" });
  await server.votes(poll, 2, 2);
  const { page, leave } = await stage({ reducedMotion: "reduce" });
  await open(page, `/present/${poll.id}#token=${poll.ownerToken}`);
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".bar")).transitionDuration), "0s");
  await watchMoves(page);
  await page.keyboard.press("Space");
  await page.waitForFunction(() => document.querySelector("ol .text").textContent === "No");
  assert.deepEqual(await moves(page), []);
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
  await leave({ moved: true });
});
