// Tests the stage: what the room sees move, what stays where it is, and what keys do.

import assert from "node:assert/strict";
import jsqr from "jsqr";
import { PNG } from "pngjs";
import { person, still } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import { NO_SERVER } from "./phone.mjs";
import { Pollux } from "./pollux.mjs";
import { eventOf, openOn, reaches, row, rows, shownRows, stageIn, total } from "./stage.mjs";

const { server, browser } = await inHall();

const HD = { width: 1920, height: 1080 };
const stage = (rest) => stageIn(browser, rest);
const open = (page, path, on = server) => openOn(page, on, path);
const event = (...asked) => eventOf(server, ...asked);

test("bars grow where they are, and numbers with them", async () => {
  const poll = await server.poll("Tea or coffee?", ["Tea", "Coffee", "Water"]);
  const { page, leave } = await stage();
  await open(page, `/present/${poll.code}`);
  await total(page, "Waiting for the first vote");
  assert.deepEqual(await shownRows(page), ["Tea", "Coffee", "Water"]);
  await reaches(page, "Water", 0);
  await server.votes(poll, 2, 9);
  await server.votes(poll, 1, 3);
  await total(page, "12 votes");
  await reaches(page, "Coffee", 0.75);
  await reaches(page, "Tea", 0.25);
  assert.deepEqual(await shownRows(page), ["Tea", "Coffee", "Water"], "rows change places while the poll is open");
  assert.match(await row(page, "Coffee").textContent(), /9\s*75%/);
  // Every number gets one more digit: nothing may move.
  await server.votes(poll, 2, 8, "coffee");
  await server.votes(poll, 1, 8, "tea");
  await total(page, "28 votes");
  await leave();
});

test("what a screen reader is told", async () => {
  const poll = await server.poll("Is it clear?", ["Yes", "Not at all"]);
  await server.votes(poll, 1, 3);
  await server.votes(poll, 2, 1);
  const { page, leave } = await stage();
  await open(page, `/present/${poll.id}`);
  await total(page, "4 votes");
  assert.equal(await page.locator("main header").ariaSnapshot(), '- heading "Is it clear?" [level=1]');
  assert.equal(
    await page.getByRole("list", { name: "Results" }).ariaSnapshot(),
    ['- list "Results":', "  - listitem: A Yes 3 75%", "  - listitem: B Not at all 1 25%"].join("\n"),
  );
  assert.equal(
    await page.getByRole("table", { name: "Results" }).ariaSnapshot(),
    [
      '- table "Results":',
      "  - caption: Results",
      "  - rowgroup:",
      '    - row "Option Votes Share":',
      '      - columnheader "Option"',
      '      - columnheader "Votes"',
      '      - columnheader "Share"',
      "  - rowgroup:",
      `    - 'row "A: Yes 3 75%"':`,
      `      - 'rowheader "A: Yes"'`,
      '      - cell "3"',
      '      - cell "75%"',
      `    - 'row "B: Not at all 1 25%"':`,
      `      - 'rowheader "B: Not at all"'`,
      '      - cell "1"',
      '      - cell "25%"',
    ].join("\n"),
  );
  await page.getByText("4 people have voted. In front: Yes, 75%.").waitFor({ state: "attached" });
  await leave();
});

test("every key does what the list says, and none while a field has the focus", async () => {
  const made = await event(["The first?", "The second?", "The third?"]);
  const { page, leave } = await stage();
  await open(page, `/present/${made.id}#token=${made.stageToken}`);
  assert.equal(page.url(), `${server.url}/present/${made.id}`, "the token stays in the address bar");
  const heading = (text) => page.getByRole("heading", { name: text }).waitFor();
  await heading("The first?");
  const press = (key) => page.keyboard.press(key);
  const unit = () => page.evaluate(() => parseFloat(getComputedStyle(document.querySelector("h1")).fontSize));

  await press("t");
  assert.equal(await page.getAttribute("html", "data-theme"), "light");
  await press("t");
  const usual = await unit();
  await press("+");
  assert.ok((await unit()) > usual);
  await press("-");
  await press("-");
  assert.ok((await unit()) < usual);
  await press("0");
  assert.equal(await unit(), usual);
  const aside = page.getByRole("complementary", { name: "How to join" });
  await press("z");
  await aside.waitFor({ state: "hidden" });
  await press("z");
  await aside.waitFor();
  const join = page.getByRole("region", { name: "Join" });
  await press("q");
  await join.waitFor();
  await press("z");
  await join.waitFor({ state: "hidden" });
  await press("f");
  await page.waitForFunction(() => document.fullscreenElement);
  await press("ArrowRight");
  await heading("The second?");
  assert.ok(await page.evaluate(() => !!document.fullscreenElement), "turning to a poll leaves full screen");
  await press("ArrowRight");
  await heading("The third?");
  await press("ArrowRight");
  await page.getByRole("status").getByText("That is the last poll of this event.").waitFor();
  await press("ArrowLeft");
  await heading("The second?");
  await server.votes(made.polls[1], 1, 1);
  await total(page, "1 vote");
  await press("?");
  const list = page.getByRole("dialog", { name: "Keys" });
  await list.waitFor();
  await press("ArrowRight");
  await press("Escape");
  await list.waitFor({ state: "hidden" });
  await heading("The second?");
  // Keys that are pressed in a field belong to the field.
  await page.evaluate(() => {
    const field = document.createElement("input");
    document.body.append(field);
    field.focus();
  });
  await press("q");
  assert.ok(await join.isHidden());
  await leave({ moved: true });
});

test("somebody without the token is told why nothing happens", async () => {
  const made = await event(["Mine?", "Yours?"]),
    lone = await server.poll("Alone?", ["Yes", "No"], { results: "hidden" });
  const { page, leave } = await stage();
  const says = (words) => page.getByRole("status").getByText(words).waitFor();
  await open(page, `/present/${made.code}`);
  await page.keyboard.press("ArrowRight");
  await says(/stage's or the owner's link/);
  await open(page, `/present/${lone.code}`);
  await page.keyboard.press("ArrowRight");
  await says(/stands alone/);
  await page.keyboard.press("Space");
  await says(/Revealing takes/);
  assert.equal((await server.read(lone)).revealed, false);
  await leave();
});

test("by mouse: what the keys do", async () => {
  const made = await event(["By mouse?", "Further?"]);
  const { page, leave } = await stage();
  await open(page, `/present/${made.id}#token=${made.stageToken}`);
  const controls = page.getByRole("toolbar", { name: "Stage" });
  assert.equal(await controls.evaluate((node) => getComputedStyle(node).opacity), "0");
  await page.mouse.move(200, 200);
  await page.mouse.move(220, 210);
  await page.waitForFunction((node) => getComputedStyle(node).opacity === "1", await controls.elementHandle());
  await controls.getByRole("button", { name: "Next poll" }).click();
  await page.getByRole("heading", { name: "Further?" }).waitFor();
  await controls.getByRole("button", { name: "Join screen" }).click();
  await page.getByRole("region", { name: "Join" }).waitFor();
  await leave({ moved: true });
});

test("a phone can scan the code on the stage, at the address the server gives out", async (t) => {
  const reachable = await Pollux.start({ publicUrl: "http://poll.example" });
  t.after(() => reachable.stop());
  const poll = await reachable.poll("Can you read this?", ["Yes", "No"]);
  const { page, leave } = await stage();
  await open(page, `/present/${poll.id}`, reachable);
  await page.getByText("poll.example", { exact: true }).waitFor();
  for (const key of ["t", "t", "q"]) {
    const { data, width, height } = PNG.sync.read(await page.screenshot());
    const code = jsqr(new Uint8ClampedArray(data), width, height);
    assert.equal(code?.data, `http://poll.example/p/${poll.code}`);
    await page.keyboard.press(key);
    await still(page);
  }
  const wide = await page.locator("aside svg").evaluate((node) => node.getBoundingClientRect().width / innerWidth);
  assert.ok(wide > 0.22 && wide < 0.28, `the code takes ${wide} of the width`);
  assert.equal(await page.getByRole("alert").count(), 0);
  await leave();
});

test("an address that phones cannot open is called that, with what to do", async () => {
  const poll = await server.poll("Can anybody come in?", ["Yes", "No"]);
  const { page, leave } = await stage();
  await open(page, `/present/${poll.id}`);
  const { why, fix } = await server.call("GET", "/api/address");
  const warning = await page.getByRole("alert").textContent();
  assert.ok(warning.includes(why) && warning.includes(fix), `${warning} is not ${why} ${fix}`);
  await leave();
});

test("the first phone from elsewhere takes the warning's place", async () => {
  const poll = await server.poll("Is anybody there?", ["Yes", "No"]);
  const { page, leave } = await stage();
  // All connections of this test come from this machine, so the devices elsewhere are made up.
  await page.route("**/api/events/*/pulse", (route) => route.fulfill({ json: { watchers: 13, elsewhere: true } }));
  await open(page, `/present/${poll.id}`);
  await page.getByText("✓ Phones get here · 12 joined").waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
  await leave();
});

test("the vote once more, from the log: held, gone on, and ending where it ended", async () => {
  const poll = await server.poll("Again?", ["Yes", "No"]);
  await server.votes(poll, 1, 6);
  await server.votes(poll, 2, 4);
  await server.act(poll, "close");
  const { page, leave } = await stage();
  await page.clock.install();
  await open(page, `/present/${poll.id}`);
  await page.getByRole("group", { name: "Outcome" }).waitFor();
  await page.keyboard.press("p");
  const replay = page.getByRole("group", { name: "Replay" });
  await replay.waitFor();
  const progress = async () => Number(await replay.getByRole("progressbar").getAttribute("aria-valuenow"));
  const until = (least) =>
    page.waitForFunction(
      (wanted) => Number(document.querySelector("[role=progressbar]").getAttribute("aria-valuenow")) >= wanted,
      least,
    );
  await page.clock.runFor(9_000);
  await until(40);
  await page.keyboard.press("p");
  const held = await progress();
  assert.ok(held < 100);
  await page.clock.runFor(3_000);
  assert.equal(await progress(), held, "it goes on while it is held");
  await page.keyboard.press("r");
  await page.clock.runFor(500);
  assert.ok((await progress()) < held, "it does not begin again");
  await page.clock.runFor(20_000);
  await until(100);
  assert.deepEqual(
    (await rows(page).allTextContents()).map((text) => text.replace(/\s+/g, " ").trim()),
    ["A Yes 6 60%", "B No 4 40%"],
  );
  await page.keyboard.press("Escape");
  await page.getByRole("group", { name: "Outcome" }).getByText("60%").waitFor();
  await leave();
});

test("confetti only when asked for, once, short, and not where motion is unwanted", async () => {
  const poll = await server.poll("Hooray?", ["Yes", "No"]);
  await server.votes(poll, 1, 2);
  const asked = await stage(),
    quiet = await stage(),
    calm = await stage({ reducedMotion: "reduce" });
  for (const { page } of [asked, quiet, calm]) {
    await page.addInitScript(() => {
      window.bursts = [];
      new MutationObserver((changes) =>
        changes.forEach(({ addedNodes, removedNodes }) => {
          for (const node of addedNodes)
            if (node.className === "confetti") window.bursts.push({ from: performance.now() });
          for (const node of removedNodes)
            if (node.className === "confetti") window.bursts.at(-1).to = performance.now();
        }),
      ).observe(document, { childList: true, subtree: true });
    });
    await open(page, `/present/${poll.id}${page === quiet.page ? "" : "?confetti=1"}`);
  }
  await server.act(poll, "close");
  for (const { page } of [asked, quiet, calm])
    await page.getByRole("group", { name: "Outcome" }).getByText("100%").waitFor();
  await asked.page.waitForFunction(() => window.bursts[0]?.to);
  await asked.page.keyboard.press("c");
  const [burst, ...more] = await asked.page.evaluate(() => window.bursts);
  assert.deepEqual(more, [], "twice");
  // The page's own clock measures this: frames may be late.
  assert.ok(burst.to - burst.from < 2_500, `${burst.to - burst.from} ms`);
  for (const { page } of [quiet, calm]) assert.deepEqual(await page.evaluate(() => window.bursts), []);
  for (const { leave } of [asked, quiet, calm]) await leave();
});

test("a hundred options: those in front in places of their own, and the others together", async () => {
  const options = Array.from({ length: 100 }, (_, i) => `Number ${i + 1}`);
  const poll = await server.poll("Pick a number", options);
  await server.votes(poll, 50, 3);
  const { page, leave } = await stage();
  await open(page, `/present/${poll.id}`);
  assert.deepEqual((await shownRows(page)).slice(0, 3), ["Number 50", "Number 1", "Number 2"]);
  assert.equal((await shownRows(page)).at(-1), "89 others");
  const before = await shownRows(page);
  await server.votes(poll, 99, 2);
  await page.getByRole("list", { name: "Results" }).getByText("Number 99", { exact: true }).waitFor();
  const now = await shownRows(page);
  assert.equal(now.filter((text, i) => text !== before[i]).length, 1, `more than one row changed: ${before} → ${now}`);
  await server.votes(poll, 77, 1);
  await total(page, "6 votes");
  await inside(page);
  await leave();
});

/** Asserts that nothing is cut off or sticks out of the rows' place. */
async function inside(page) {
  const out = await page.evaluate(() => {
    const list = document.querySelector("ol"),
      place = list.parentElement.getBoundingClientRect();
    return [...list.querySelectorAll("li, .letter, .track, .figures")]
      .filter((node) => {
        const box = node.getBoundingClientRect();
        return box.bottom > place.bottom + 1 || box.top < place.top - 1 || box.right > place.right + 1;
      })
      .map((node) => node.className || node.textContent);
  });
  assert.deepEqual(out, []);
}

test("long questions and options are whole, or end in dots, on every screen", async () => {
  const words = (length) =>
    `${"What should we decide about the venue of next year? ".repeat(10).slice(0, length - 1)}?`;
  const many = Array.from({ length: 6 }, (_, i) => `${i + 1} ${"answers that go on ".repeat(12)}`.slice(0, 199));
  const polls = [];
  for (const [length, options] of [
    [120, many],
    [500, ["Yes", "No"]],
    [500, many],
    [40, many.slice(0, 3)],
  ]) {
    polls.push(await server.poll(words(length), options));
  }
  polls.push(await server.poll("漢字".repeat(250), ["x".repeat(200), "مرحبا بالعالم", "🦀".repeat(60)]));
  for (const [width, height] of [
    [320, 640],
    [844, 390],
    [1280, 720],
    [1280, 800],
    [1920, 1080],
    [3840, 2160],
  ]) {
    const { page, leave } = await person(browser, { size: { width, height }, theme: "dark" });
    for (const { id, question } of polls) {
      const where = `${question.length} characters at ${width} × ${height}`;
      await open(page, `/present/${id}`);
      const { cut, small, wide } = await page.evaluate(() => {
        const title = document.querySelector("h1"),
          unit = Math.min(innerHeight / 100, innerWidth * 0.005625);
        const texts = [...document.querySelectorAll("main *")].filter(
          (node) =>
            node.checkVisibility() &&
            !node.closest(".hush") &&
            [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim()),
        );
        return {
          cut: title.scrollHeight - title.clientHeight - 0.2 * parseFloat(getComputedStyle(title).lineHeight),
          small: texts
            .map((node) => [node.textContent.slice(0, 20), parseFloat(getComputedStyle(node).fontSize) / unit])
            .filter(([, size]) => size < 2.3),
          wide: document.documentElement.scrollWidth - innerWidth,
        };
      });
      if (!question.startsWith("漢")) assert.ok(cut <= 0, `${cut} px are cut of ${where}`);
      assert.deepEqual(small, [], where);
      assert.ok(wide <= 0, `${wide} px too wide: ${where}`);
      if (width > height && height > 430) await inside(page);
    }
    await leave();
  }
});

test("what is written from right to left turns nothing else around", async () => {
  const poll = await server.poll("\u202eWhich way?", ["\u202eBackward", "Forward (as usual)"]);
  const { page, leave } = await stage();
  await open(page, `/present/${poll.id}`);
  const written = await page.evaluate(() =>
    [...document.querySelectorAll("h1 span, ol .text")].map((node) => getComputedStyle(node).unicodeBidi),
  );
  assert.deepEqual(written, Array(3).fill("isolate"));
  await leave();
});

test("an event: its colour, its place, and the wait before its first question", async () => {
  const made = await event([], { accent: "#B3261E", layout: "columns" });
  const { page, leave } = await stage({ size: HD });
  await open(page, `/present/${made.code}`);
  await page.getByRole("heading", { name: "The day of polls" }).waitFor();
  await page.getByLabel(`Code ${made.code}`).waitFor();
  const poll = await server.call("POST", `/api/events/${made.id}/polls`, {
    token: made.ownerToken,
    body: { question: "Upright?", options: ["Left", "Right"] },
  });
  await made.show(poll.id);
  await page.getByRole("heading", { name: "Upright?" }).waitFor();
  await server.votes(poll, 2, 12);
  await server.votes(poll, 1, 4);
  await total(page, "16 votes");
  const bar = await row(page, "Right").locator(".bar").elementHandle();
  await page.waitForFunction((node) => {
    const of = (box) => box.getBoundingClientRect().height;
    return Math.abs(of(node) / of(node.parentElement) - 0.75) < 0.002;
  }, bar);
  assert.notEqual(await page.evaluate(() => document.documentElement.style.getPropertyValue("--brand")), "");
  await leave();
});

test("a draft on the owner's stage is shown as it was edited and opened", async () => {
  const poll = await server.poll("A draft?", ["Yes", "No"], { open: false });
  // Nobody can watch a draft that is in no event, so the page asks for it, and the room is told that it will
  // come.
  const { page, leave } = await stage({ expected: /response code: 404/ });
  await page.goto(`${server.url}/present/${poll.id}#token=${poll.ownerToken}`);
  await page.getByText("This poll is not open yet").waitFor();
  await server.call("PATCH", `/api/polls/${poll.id}`, {
    token: poll.ownerToken,
    body: { question: "Ready?", options: ["Yes", "No", "Nearly"] },
  });
  await server.act(poll, "open");
  await page.getByRole("heading", { name: "Ready?" }).waitFor();
  await row(page, "Nearly").waitFor();
  await leave({ moved: true });
});

test("a code that leads nowhere, and a server that is away", async () => {
  const { page, leave } = await stage({ expected: /status of 404|response code: 404/ });
  await page.goto(`${server.url}/present/000000`);
  await page.getByRole("heading", { name: "There is no such poll" }).waitFor();
  await page.getByText("000000").waitFor();
  await leave();
});

test("killed under the stage: the data stay, with their age, and end at the final tally", async () => {
  const poll = await server.poll("Will it survive?", ["Yes", "No"]);
  await server.votes(poll, 2, 3);
  const { page, leave } = await stage({ expected: NO_SERVER });
  await open(page, `/present/${poll.id}`);
  await total(page, "3 votes");
  await server.kill();
  await page
    .locator("[data-link=waiting]")
    .getByText(/as of \d+\ssec ago/)
    .waitFor();
  await total(page, "3 votes");
  await server.restart();
  await server.votes(poll, 1, 2);
  await server.act(poll, "close");
  await page.locator("[data-link=live]").waitFor({ timeout: 30_000 });
  await page.getByRole("group", { name: "Outcome" }).getByText("60%").waitFor();
  await total(page, "5 votes");
  await leave();
});
