// The stage and the leaderboard: keys, a QR code that scans, many options, ranks that move.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import jsqr from "jsqr";
import { PNG } from "pngjs";
import { launch, person, says, STAGE } from "./browser.mjs";
import { Pollux } from "./pollux.mjs";

let server, browser;
before(async () => { [server, browser] = [await Pollux.start(), await launch()]; });
after(async () => { await browser?.close(); await server?.stop(); });

const stage = () => person(browser, { size: STAGE, theme: "dark" });

test("every key does what the list says", async () => {
  const one = await server.poll("The first?", ["Yes", "No"]);
  const two = await server.poll("The second?", ["Yes", "No"]);
  await server.poll("Not on the list?", ["Yes", "No"], { listed: false });
  const { page, leave } = await stage();
  await page.goto(`${server.url}/present/${one.id}`);
  await says(page, "#link", /^Live$/);
  const press = (key) => page.keyboard.press(key);
  const unit = () => page.evaluate(() => parseFloat(getComputedStyle(document.querySelector("h1")).fontSize));

  await press("t");
  assert.equal(await page.getAttribute("html", "data-theme"), "light");
  await press("t");
  const usual = await unit();
  await press("+");
  assert.ok(await unit() > usual);
  await press("-");
  await press("-");
  assert.ok(await unit() < usual);
  await press("0");
  assert.equal(await unit(), usual);
  await press("z");
  assert.ok(await page.locator("#side").isHidden());
  await press("z");
  assert.ok(await page.locator("#side").isVisible());
  await press("q");
  assert.ok(await page.locator("#over").isVisible());
  await press("q");
  await press("f");
  await page.waitForFunction(() => document.fullscreenElement);
  await press("ArrowRight");
  await says(page, "#question", /The second/);
  assert.ok(await page.evaluate(() => !!document.fullscreenElement), "turning to a poll leaves full screen");
  await says(page, "#link", /^Live$/);
  await server.votes(two, 1, 1);
  await says(page, "#total", /^1 vote$/);
  await press("ArrowRight");
  await says(page, "#question", /The first/);
  await press("ArrowLeft");
  await says(page, "#question", /The second/);
  await press("?");
  assert.ok(await page.locator("#help").isVisible());
  await leave({ moved: true });
});

test("a phone can scan the code on the stage", async () => {
  const poll = await server.poll("Can you read this?", ["Yes", "No"]);
  const { page, leave } = await stage();
  await page.goto(`${server.url}/present/${poll.id}`);
  await page.locator("#side .qr path").waitFor();
  for (const theme of ["dark", "light"]) {
    const { data, width, height } = PNG.sync.read(await page.screenshot());
    const code = jsqr(new Uint8ClampedArray(data), width, height);
    assert.equal(new URL(code?.data).pathname, `/p/${poll.code}`, theme);
    await page.keyboard.press("t");
  }
  await leave();
});

test("of a hundred options the stage shows those in front, and the others together", async () => {
  const options = Array.from({ length: 100 }, (_, i) => `Number ${i + 1}`);
  const poll = await server.poll("Pick a number", options);
  const { page, leave } = await stage();
  await page.goto(`${server.url}/present/${poll.id}`);
  await says(page, "#link", /^Live$/);
  await server.votes(poll, 99, 2);
  await says(page, "#rows li:nth-child(1) .text", /^Number 99$/);
  await says(page, "#rows li:nth-child(12) .text", /^89 others$/);
  const inside = await page.evaluate(() => {
    const list = document.getElementById("rows");
    return list.scrollHeight <= list.clientHeight + 1;
  });
  assert.ok(inside, "the rows do not fit");
  await leave();
});

test("a long question is whole, and leaves the bars their room", async () => {
  const words = (length) => `${"What should we decide about the venue of next year? ".repeat(10).slice(0, length - 1)}?`;
  const some = ["Yes", "No"], many = Array.from({ length: 6 }, (_, i) => `Number ${i + 1}`);
  const polls = [];
  for (const [length, options] of [[120, many], [250, some], [500, some], [500, many]]) {
    polls.push(await server.poll(words(length), options));
  }
  polls.push(await server.poll("What is your favourite language?", some));
  for (const [width, height] of [[320, 640], [1280, 720], [1280, 800], [1920, 1080], [3840, 2160]]) {
    const { page, leave } = await person(browser, { size: { width, height }, theme: "dark" });
    for (const { id, question } of polls) {
      const where = `${question.length} characters at ${width} × ${height}`;
      await page.goto(`${server.url}/present/${id}`);
      await says(page, "#link", /^Live$/);
      const { cut, over, size } = await page.evaluate(() => {
        const title = document.getElementById("question"), list = document.getElementById("rows");
        const style = getComputedStyle(title), line = parseFloat(style.lineHeight);
        return { cut: (title.scrollHeight - title.clientHeight) / line, over: list.scrollHeight - list.clientHeight,
          size: parseFloat(style.fontSize) };
      });
      assert.ok(cut < 0.2, `${cut} lines are cut of ${where}`);
      assert.ok(over <= 1, `the bars stick out by ${over} px under ${where}`);
      assert.ok(size >= Math.max(15, height / 50), `${size} px are too small for ${where}`);
    }
    await leave();
  }
});

test("what is written from right to left turns nothing else around", async () => {
  const poll = await server.poll("\u202eWhich way?", ["\u202eBackward", "Forward (as usual)"]);
  const room = await stage(), phone = await person(browser);
  await room.page.goto(`${server.url}/present/${poll.id}`);
  await phone.page.goto(`${server.url}/p/${poll.id}`);
  for (const { page, leave } of [room, phone]) {
    await says(page, "#link", /^Live$/);
    const written = await page.evaluate(() => [...document.querySelectorAll("#question, #rows .text, .option .text")]
      .map((node) => getComputedStyle(node).unicodeBidi));
    assert.deepEqual(written, Array(3).fill("isolate"));
    await leave();
  }
});

test("a draft that was edited is on stage as it was opened", async () => {
  const poll = await server.poll("A draft?", ["Yes", "No"], { open: false });
  // Nobody can watch a draft yet.
  const { page, leave } = await person(browser, { size: STAGE, expected: /response code: 404/ });
  await page.goto(`${server.url}/present/${poll.id}#token=${poll.ownerToken}`);
  await says(page, "#status", /^Not open yet$/);
  await server.call("PATCH", `/api/polls/${poll.id}`, {
    token: poll.ownerToken, body: { question: "Ready?", options: ["Yes", "No", "Nearly"] } });
  await server.act(poll, "open");
  await says(page, "#question", /^Ready\?$/);
  await says(page, "#rows li:nth-child(3) .text", /^Nearly$/);
  await leave({ moved: true });
});

test("a closed poll says that it is final, and who won", async () => {
  const poll = await server.poll("Is it over?", ["Yes", "No"]);
  await server.votes(poll, 1, 2);
  const { page, leave } = await stage();
  await page.goto(`${server.url}/present/${poll.id}`);
  await says(page, "#link", /^Live$/);
  await server.act(poll, "close");
  await says(page, "#outcome-title", /^Final result$/);
  await says(page, "#outcome-name", /^Yes$/);
  assert.ok(!await page.locator("#side .qr").isVisible());
  await leave();
});

test("the leaderboard moves when ranks do", async () => {
  const poll = await server.poll("Who leads?", ["Hare", "Tortoise"]);
  await server.votes(poll, 1, 8);
  await server.votes(poll, 2, 7);
  const { page, leave } = await stage();
  await page.goto(`${server.url}/leaderboard`);
  await says(page, "#options li:nth-child(1)", /Hare/);
  await says(page, "#link", /^Live$/);
  // What is animated is asked of the browser while it happens.
  await page.evaluate(() => {
    const animate = Element.prototype.animate;
    window.moves = [];
    Element.prototype.animate = function (frames, timing) {
      if (frames.transform) window.moves.push(this.textContent);
      return animate.call(this, frames, timing);
    };
  });
  await server.votes(poll, 2, 3, "late");
  await says(page, "#options li:nth-child(1)", /Tortoise/);
  const moves = await page.evaluate(() => window.moves);
  assert.ok(moves.some((row) => row.includes("Tortoise")), `moved: ${moves}`);
  await leave();
});

test("with reduced motion nothing moves", async () => {
  const poll = await server.poll("Calm?", ["Yes", "No"]);
  const { page, leave } = await person(browser, { size: STAGE, reducedMotion: "reduce" });
  await page.goto(`${server.url}/present/${poll.id}`);
  await page.locator("#rows .bar").first().waitFor({ state: "attached" });
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".bar")).transitionDuration), "0s");
  await leave();
});
