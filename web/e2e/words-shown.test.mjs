// Tests a poll of words where it is shown: the stage, an overlay and an embed; how it is revealed, hidden and
// moderated, its list, and that no word covers another one in any script, size or theme.

import assert from "node:assert/strict";
import { still } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import { accessible } from "./phone.mjs";
import { openOn, stageIn, total } from "./stage.mjs";
import { turnoutStandsFree } from "./turnout.mjs";
import { manyWords } from "./words.mjs";

const { server, browser } = await inHall();

const SAID = [
  ["Trust", "fast builds"],
  ["trust", "شفافية"],
  ["TRUST", "हिन्दी", "fast  builds"],
  ["Größe", "a place where mistakes are welcome"],
];
const word = (page, text) => page.locator(".word").filter({ hasText: text });
const texts = (page) => page.locator(".word").allTextContents();

/** Returns the pairs of words that cover one another, the words that stick out, and the smallest size in units. */
const laidOut = (page) =>
  page.evaluate(() => {
    const cloud = document.querySelector(".cloud").getBoundingClientRect();
    const all = [...document.querySelectorAll(".word")].map((one) => {
      // The lines of a word are as wide as its letters; its ink is less high than they are.
      const boxes = [...one.children].map((line) => {
        const letters = document.createRange();
        letters.selectNodeContents(line);
        return letters.getBoundingClientRect();
      });
      const [left, right] = [Math.min(...boxes.map((b) => b.left)), Math.max(...boxes.map((b) => b.right))];
      const [top, bottom] = [Math.min(...boxes.map((b) => b.top)), Math.max(...boxes.map((b) => b.bottom))];
      const inside = (bottom - top) / (4 * boxes.length);
      return { text: one.textContent, left, right, top: top + inside, bottom: bottom - inside };
    });
    const pairs = all.flatMap((a, i) =>
      all
        .slice(i + 1)
        .filter((b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom && b.top < a.bottom)
        .map((b) => `${a.text} over ${b.text}`),
    );
    const out = all.filter(
      ({ left, right, top, bottom }) =>
        left < cloud.left - 2 || right > cloud.right + 2 || top < cloud.top - 2 || bottom > cloud.bottom + 2,
    );
    const sizes = [...document.querySelectorAll(".word")].map(({ dataset }) => Number(dataset.size));
    return { count: all.length, pairs, out: out.map(({ text }) => text), least: Math.min(...sizes) };
  });
async function wellLaidOut(page, where) {
  await still(page);
  const { pairs, out, least, count } = await laidOut(page);
  assert.deepEqual([pairs, out], [[], []], where);
  assert.ok(least >= 2.4 - 1e-6, `${where}: a word of ${least} units`);
  return count;
}

test("hidden words are on no screen; the reveal brings them, and the close the word that was said most", async () => {
  const poll = await server.words("What do we need?", { results: "hidden" });
  await server.answered(poll, SAID);
  const { page, leave } = await stageIn(browser);
  await openOn(page, server, `/present/${poll.id}#token=${poll.ownerToken}`);
  await turnoutStandsFree(page, 4);
  await page.getByText("The words are hidden until the reveal").waitFor();
  assert.doesNotMatch(await page.locator("body").innerText(), /trust|builds/i);
  assert.equal(await page.locator(".word").count(), 0);
  await page.keyboard.press("Space");
  await word(page, "Trust").waitFor();
  assert.deepEqual((await texts(page)).slice(0, 2), ["Trust", "fast builds"]);
  assert.deepEqual(await page.locator(".word.leads").allTextContents(), ["Trust"]);
  await total(page, "4 people, 9 words");
  await wellLaidOut(page, "after the reveal");
  await accessible(page);
  await server.call("POST", `/api/polls/${poll.id}/close`, { token: poll.ownerToken });
  const outcome = page.getByRole("group", { name: "Outcome" });
  await outcome.getByText("Trust", { exact: true }).waitFor();
  await outcome.getByText("of 4 people").waitFor();
  await page.keyboard.press("p");
  await page.getByRole("status").getByText("A poll of words is not shown again").waitFor();
  await leave({ moved: true });
});

test("words grow where they are: a vote for one moves no other one that has room", async () => {
  const poll = await server.words("One word?");
  const { page, leave } = await stageIn(browser);
  await openOn(page, server, `/present/${poll.id}`);
  await page.locator(".instead", { hasText: "Waiting for the first word" }).waitFor();
  await server.answered(poll, SAID);
  await word(page, "Größe").waitFor();
  await still(page);
  const places = () =>
    page.evaluate(() =>
      Object.fromEntries(
        [...document.querySelectorAll(".word")].map((one) => {
          const { left, right, top, bottom } = one.getBoundingClientRect();
          return [one.textContent, [(left + right) / 2, (top + bottom) / 2].map(Math.round)];
        }),
      ),
    );
  const before = await places();
  await server.call("POST", `/api/polls/${poll.id}/vote?wait=counted`, {
    body: { answer: ["new here", "Größe"], voterId: "late" },
  });
  await word(page, "new here").waitFor();
  await wellLaidOut(page, "after a vote");
  const after = await places();
  const moved = Object.keys(before).filter((text) => before[text].some((at, i) => Math.abs(at - after[text][i]) > 3));
  assert.ok(moved.length <= 1, `moved: ${moved}`);
  await leave();
});

test("words wait for approval, and one that is hidden leaves every screen", async () => {
  const poll = await server.words("Approve?", { approve: true });
  await server.answered(poll, SAID);
  const { page, leave } = await stageIn(browser);
  await openOn(page, server, `/present/${poll.id}`);
  await page.getByText("Words appear once they are approved").waitFor();
  assert.doesNotMatch(await page.content(), /builds/);
  const { words } = await server.call("GET", `/api/polls/${poll.id}/words?state=waiting`, { token: poll.ownerToken });
  const idOf = (text) => words.find((one) => one.text === text).id;
  const moderate = (body) => server.call("POST", `/api/polls/${poll.id}/moderate`, { token: poll.ownerToken, body });
  await moderate({ show: [idOf("Trust"), idOf("Größe")] });
  await word(page, "Größe").waitFor();
  await page.locator(".unseen", { hasText: "waiting for approval or hidden" }).waitFor();
  await moderate({ hide: [idOf("Größe")] });
  await word(page, "Größe").waitFor({ state: "detached" });
  assert.deepEqual(await texts(page), ["Trust"]);
  await page.waitForFunction(() => !document.body.textContent.includes("Größe"));
  await leave({ moved: true });
});

test("L shows the list with counts, page after page, and screen readers have a table", async () => {
  const poll = await server.words("Many?", { maxWords: 10 });
  const answers = Array.from({ length: 30 }, (_, i) => manyWords.slice(10 * i, 10 * i + 10));
  await server.answered(poll, [...answers, ["trust"]]);
  const { page, leave } = await stageIn(browser);
  await openOn(page, server, `/present/${poll.id}`);
  await page.getByText(/^and 1\d\d more$/).waitFor();
  assert.ok((await wellLaidOut(page, "300 words")) > 100);
  const table = page.getByRole("table", { name: "Results" });
  await page.waitForFunction(() => document.querySelectorAll("table tbody tr").length === 300);
  assert.match(await table.innerText(), /trust\s+2/);
  await page.keyboard.press("l");
  const list = page.getByRole("list", { name: "Results" });
  assert.match(await list.getByRole("listitem").first().innerText(), /trust\s+2/);
  await page.getByText(/^page 1 of \d+$/).waitFor();
  await accessible(page);
  await page.keyboard.press("l");
  await page.locator(".cloud").waitFor();
  await page.keyboard.press("?");
  await page.getByText("a cloud of words as a list with counts, and back").waitFor();
  await leave({ moved: true });
});

test("on the stage, in an overlay and in an embed: three sizes, both themes, every script", async () => {
  const poll = await server.words("What is it in your language?", { maxWords: 10 });
  const mixed = [4, 24, 44, 64, 84, 104, 124, 144, 164, 184, 204, 224, 244, 264, 284, 304, 324, 344].map(
    (i) => manyWords[i],
  );
  await server.answered(poll, [...SAID, mixed.slice(0, 9), mixed.slice(9), manyWords.slice(0, 10)]);
  for (const theme of ["dark", "light"])
    for (const [path, size] of [
      [`/present/${poll.id}`, { width: 1920, height: 1080 }],
      [`/present/${poll.id}`, { width: 1024, height: 768 }],
      [`/present/${poll.id}`, { width: 390, height: 780 }],
      [`/overlay/${poll.id}?theme=${theme}`, { width: 1280, height: 720 }],
      [`/embed/${poll.id}?theme=${theme}`, { width: 480, height: 270 }],
    ]) {
      const { page, leave } = await stageIn(browser, { size, theme });
      await page.goto(server.url + path);
      await word(page, "Trust").waitFor();
      const where = `${path.split("/")[1]} ${size.width} × ${size.height} ${theme}`;
      assert.ok((await wellLaidOut(page, where)) > 12, where);
      await accessible(page);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${where}: sticks out by ${wide} px`);
      await leave({ moved: true });
    }
  const { page, leave } = await stageIn(browser);
  await page.goto(`${server.url}/overlay/${poll.id}?layout=list`);
  await page.getByRole("list", { name: "Results" }).getByText("Trust").waitFor();
  await leave({ moved: true });
});

test("with reduced motion words are where they belong at once", async () => {
  const poll = await server.words("Calm?", { results: "hidden" });
  await server.answered(poll, SAID);
  const { page, leave } = await stageIn(browser, { reducedMotion: "reduce" });
  await openOn(page, server, `/present/${poll.id}#token=${poll.ownerToken}`);
  await page.keyboard.press("Space");
  await word(page, "Trust").waitFor();
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
  await leave({ moved: true });
});
