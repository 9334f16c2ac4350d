// Tests how an organiser decides which words are shown: by key and by touch, alone and with others, before the eyes of
// the hall. What is hidden or erased is in nothing that the hall's pages have or were told afterwards.

import assert from "node:assert/strict";
import { person, still } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import { SMALL, accessible, enlarge, fits, live as joined, overhear } from "./phone.mjs";
import { openOn, stageIn } from "./stage.mjs";
import { live, organiserIn, press } from "./studio.mjs";

const { server, browser } = await inHall();

const words = (question, rest = {}) =>
  server.call("POST", "/api/polls", { body: { kind: "words", question, ...rest } });
let people = 0;
/** Lets one more person send each of these answers, and waits until they are counted. */
async function sent(poll, answers) {
  for (const answer of answers)
    await server.call("POST", `/api/polls/${poll.id}/vote?wait=counted`, {
      body: { answer, voterId: `w-${people++}` },
    });
}
/** Returns the words that the server lists, by their state. */
async function states(poll) {
  const { words } = await server.call("GET", `/api/polls/${poll.id}/words?limit=500`, { token: poll.ownerToken });
  return Object.fromEntries(words.map(({ text, state }) => [text ?? "(erased)", state]));
}
/** Waits until the server has these states of words. */
async function decided(poll, wanted) {
  let now;
  for (const end = Date.now() + 20_000; Date.now() < end; await new Promise((done) => setTimeout(done, 100))) {
    now = await states(poll);
    if (Object.entries(wanted).every(([text, state]) => now[text] === state)) return;
  }
  assert.deepEqual(now, { ...now, ...wanted });
}
const panel = (page) => page.locator("[data-moderation]");
const rows = (page) => panel(page).getByRole("listitem");
const row = (page, text) => rows(page).filter({ hasText: text });
const listed = (page) => rows(page).locator("bdi").allTextContents();
const focused = (page) => page.evaluate(() => document.activeElement.querySelector("bdi")?.textContent);
const waits = (page, count) =>
  panel(page)
    .getByRole("tab", { name: `Waiting ${count}`, exact: true })
    .waitFor();
async function studio(poll, rest) {
  const who = await organiserIn(browser, { holding: [poll], ...rest });
  await who.page.goto(`${server.url}/studio/polls/${poll.id}`);
  await live(who.page);
  await panel(who.page).locator("[data-word], .empty").first().waitFor();
  return who;
}
/** Waits until no element of a page has this text in it, and asserts that nothing else there has it either. */
async function forgets(page, secret) {
  await page.waitForFunction((text) => !document.body.textContent.includes(text), secret);
  assert.ok(!(await page.content()).includes(secret), `${secret} is in the page`);
}
const says = (page, text) => page.waitForFunction((text) => document.body.textContent.includes(text), text);

test("by key: what is shown comes on stage and phones, what is hidden leaves them", async () => {
  const poll = await words("What is good?", { approve: true });
  await sent(poll, [["Quartz"], ["Basalt", "Quartz"], ["Granite"]]);
  const stage = await stageIn(browser),
    phone = await person(browser),
    { page, leave } = await studio(poll);
  const heard = overhear(phone.page);
  await openOn(stage.page, server, `/present/${poll.id}`);
  await phone.page.goto(`${server.url}/p/${poll.code}`);
  await joined(phone.page);
  await waits(page, 3);
  await heard(/Quartz|Basalt|Granite/);
  for (const screen of [stage.page, phone.page]) await forgets(screen, "Quartz");

  await page.keyboard.press("w");
  assert.equal(await focused(page), (await listed(page))[0]);
  while ((await focused(page)) !== "Quartz") await page.keyboard.press("j");
  await page.keyboard.press("a");
  await says(stage.page, "Quartz");
  await waits(page, 2);
  assert.ok((await focused(page)) !== "Quartz" && (await focused(page)), "the next row has the focus");
  await decided(poll, { Quartz: "shown", Basalt: "waiting", Granite: "waiting" });

  // An undo brings back what was before: the word waits again, and so does one that was hidden.
  await panel(page).getByRole("button", { name: "Undo: let it wait again" }).waitFor();
  await page.keyboard.press("z");
  await forgets(stage.page, "Quartz");
  await decided(poll, { Quartz: "waiting" });
  await waits(page, 3);
  await row(page, "Quartz").focus();
  await page.keyboard.press("h");
  await decided(poll, { Quartz: "hidden" });
  await page.keyboard.press("z");
  await decided(poll, { Quartz: "waiting" });
  await waits(page, 3);
  for (const screen of [stage.page, phone.page]) await forgets(screen, "Quartz");
  await row(page, "Quartz").focus();
  await page.keyboard.press("h");
  await decided(poll, { Quartz: "hidden" });
  await panel(page)
    .getByRole("tab", { name: /Hidden/ })
    .click();
  await row(page, "Quartz").getByRole("button", { name: "Show" }).click();
  await says(stage.page, "Quartz");

  await panel(page).getByRole("tab", { name: /Shown/ }).click();
  await row(page, "Quartz").waitFor();
  await page.keyboard.press("w");
  await page.keyboard.press("h");
  await decided(poll, { Quartz: "hidden" });
  for (const screen of [stage.page, phone.page]) await forgets(screen, "Quartz");
  const after = overhear(phone.page);
  await phone.page.reload();
  await joined(phone.page);
  await stage.page.reload();
  await stage.page.locator("main:not(.word) [data-link=live]").waitFor();
  for (const screen of [stage.page, phone.page]) await forgets(screen, "Quartz");
  await after(/Quartz|Basalt|Granite/);
  // The votes of hidden words stay counted.
  assert.deepEqual([(await server.read(poll)).totalVotes, (await server.read(poll)).unshownVotes], [4, 4]);
  await leave({ moved: true });
  await stage.leave({ moved: true });
  await phone.leave({ moved: true });
});

test("two decide at once: each sees what the other does, and no row moves under a hand", async () => {
  const poll = await words("Together?", { approve: true });
  await sent(poll, [["one"], ["two"], ["three"], ["four"]]);
  const ann = await studio(poll),
    ben = await studio(poll);
  await waits(ann.page, 4);
  await waits(ben.page, 4);
  await ann.page.keyboard.press("w");
  await ann.page.keyboard.press("j");
  const [before, mine] = [await listed(ann.page), await focused(ann.page)];
  await row(ben.page, mine).getByRole("button", { name: "Hide" }).click();
  await waits(ann.page, 3);
  await row(ann.page, mine).getByText("Somebody else has decided about it.").waitFor();
  assert.deepEqual([await listed(ann.page), await focused(ann.page)], [before, mine]);
  // What somebody else has decided stays decided, whichever key is pressed.
  await ann.page.keyboard.press("a");
  await ann.page.keyboard.press("j");
  const next = await focused(ann.page);
  await sent(poll, [["five"]]);
  await panel(ann.page).getByRole("button", { name: "1 more" }).waitFor();
  assert.deepEqual([await listed(ann.page), await focused(ann.page)], [before, next]);
  await ann.page.keyboard.press("a");
  await decided(poll, { [mine]: "hidden", [next]: "shown", five: "waiting" });
  await waits(ben.page, 3);
  // Once his mouse has left and his keys have rested, his list has what came and not what was decided.
  await ben.page.mouse.move(2, 2);
  await row(ben.page, "five").waitFor();
  await row(ben.page, next).waitFor({ state: "detached" });
  await ann.leave({ moved: true });
  await ben.leave({ moved: true });
});

test("two decide about one word at the same moment: what each page says is what the server has", async () => {
  const poll = await words("At once?", { approve: true });
  await sent(poll, [["alpha"], ["beta"], ["gamma"]]);
  const ann = await studio(poll),
    cleo = await studio(poll);
  for (const { page } of [ann, cleo]) {
    await waits(page, 3);
    await row(page, "gamma").focus();
  }
  const answered = [ann, cleo].map(({ page }) => page.waitForResponse((one) => one.url().endsWith("/moderate")));
  await Promise.all([ann.page.keyboard.press("a"), cleo.page.keyboard.press("h"), ...answered]);
  const { gamma } = await states(poll);
  const [right, wrong] = gamma === "shown" ? [ann, cleo] : [cleo, ann];
  await panel(wrong.page).getByText(`is ${gamma}: somebody else has decided about it.`).waitFor();
  await panel(right.page).getByRole("button", { name: "Undo: let it wait again" }).waitFor();
  // Whoever was overruled undoes nothing.
  await wrong.page.keyboard.press("z");
  assert.equal(await panel(wrong.page).getByRole("button", { name: "Undo" }).count(), 0);
  await right.page.keyboard.press("z");
  await decided(poll, { alpha: "waiting", beta: "waiting", gamma: "waiting" });
  await panel(wrong.page).getByText("waits again: somebody else has decided about it.").waitFor();
  await ann.leave({ moved: true });
  await cleo.leave({ moved: true });
});

test("an erased word is asked about first, is gone for good, and is refused from then on", async () => {
  const poll = await words("For good?");
  await sent(poll, [["Obsidian"], ["Marble"], ["Slate"]]);
  const phone = await person(browser),
    { page, leave } = await studio(poll);
  await phone.page.goto(`${server.url}/p/${poll.code}`);
  await joined(phone.page);
  // By key, because two clicks in quick succession at one place count as one.
  await row(page, "Slate").focus();
  await page.keyboard.press("h");
  await decided(poll, { Slate: "hidden" });
  await row(page, "Obsidian").getByRole("button", { name: "Erase…" }).click();
  await page.getByRole("dialog").getByText("This cannot be undone.").waitFor();
  await accessible(page);
  await press(page, "Keep it");
  await row(page, "Obsidian").focus();
  await page.keyboard.press("e");
  await press(page, "Erase it for good");
  await decided(poll, { "(erased)": "erased", Marble: "shown" });
  await row(page, "Obsidian").waitFor({ state: "detached" });
  // Nothing is undone after that, neither the word nor the decision before.
  await panel(page).getByText("The word is erased for good. Nothing can be undone.").waitFor();
  await forgets(page, "Obsidian");
  await page.keyboard.press("z");
  await panel(page)
    .getByRole("tab", { name: /Hidden/ })
    .click();
  await panel(page).getByText("1 word is erased for good.").waitFor();
  await forgets(phone.page, "Obsidian");
  await decided(poll, { Slate: "hidden", Marble: "shown" });
  await page.reload();
  await panel(page).locator("[data-word]").first().waitFor();
  assert.ok(!(await page.content()).includes("Obsidian"));
  await assert.rejects(sent(poll, [["obsidian"]]), /422.*\/answer\/0/);
  await leave({ moved: true });
  await phone.leave({ moved: true });
});

test("approval keeps what is shown; all that wait are shown at once, also after the close", async () => {
  const poll = await words("First?");
  await sent(poll, [["early"]]);
  const { page, leave } = await studio(poll);
  const approval = page.getByRole("checkbox", { name: "Show new words only after approval" });
  await approval.click();
  await press(page, "Keep what is shown");
  await page.getByText("A new word waits here until you show it.").waitFor();
  await sent(poll, [["late"], ["later"]]);
  await waits(page, 2);
  await decided(poll, { early: "shown", late: "waiting", later: "waiting" });
  await press(page, "Show all waiting…");
  await press(page, "Show 2 words");
  await decided(poll, { late: "shown", later: "shown" });
  await sent(poll, [["last"]]);
  await waits(page, 1);
  // Decisions about a closed poll are made as before.
  await server.act(poll, "close");
  await approval.click();
  await page.getByRole("dialog").getByText("Everybody sees the word that waits at once").waitFor();
  await press(page, "Keep approval");
  assert.ok(await approval.isChecked());
  await approval.click();
  await press(page, "Show 1 word now");
  await decided(poll, { last: "shown" });
  await leave({ moved: true });
});

test("decisions that are made without a network wait, and are made when it is back", async () => {
  const poll = await words("Under ground?", { approve: true });
  await sent(poll, [["cave"], ["mine"]]);
  const { page, context, leave } = await studio(poll, { expected: /net::ERR_|WebSocket connection to/ });
  await waits(page, 2);
  const [first, second] = await listed(page);
  await page.keyboard.press("w");
  await context.setOffline(true);
  await page.keyboard.press("a");
  await page.keyboard.press("h");
  await page.getByText("2 decisions have no answer from the server yet").waitFor();
  assert.deepEqual(Object.values(await states(poll)), ["waiting", "waiting"]);
  await context.setOffline(false);
  await decided(poll, { [first]: "shown", [second]: "hidden" });
  await page.getByText("no answer from the server yet").waitFor({ state: "hidden" });
  await waits(page, 0);
  await leave({ moved: true });
});

const ODD = [
  "مساحة آمنة",
  "Z\u0351\u0310\u034b\u0304a\u0327\u0328l\u0335g\u0334o\u0338",
  "👩‍👩‍👧‍👦🏳️‍🌈",
  "W".repeat(40),
  "漢".repeat(40),
];
test("odd words stay in their rows; all can be hit at 320 px; accessible in both themes", async () => {
  const poll = await words("كلمات؟", { approve: true, maxWords: 10 });
  await sent(poll, [ODD]);
  for (const theme of ["light", "dark"]) {
    for (const size of [SMALL, undefined]) {
      const { page, leave } = await studio(poll, { theme, ...(size && { size }) });
      await waits(page, ODD.length);
      await page.keyboard.press("w");
      await still(page);
      await fits(page, "[data-moderation] :is(button, input[type=search], label.check)");
      const out = () =>
        rows(page).evaluateAll((all) =>
          all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent),
        );
      assert.deepEqual(await out(), []);
      await accessible(page);
      if (size) {
        await enlarge(page);
        assert.deepEqual(await out(), []);
      }
      await leave({ moved: true });
    }
  }
});

test("a search finds words as people compare them, and the keys are in the studio's list", async () => {
  const poll = await words("Where?", { approve: true, maxWords: 10 });
  await sent(poll, [["Café", "cave", "Ｃａｆｅ　ａｕ　ｌａｉｔ"]]);
  const { page, leave } = await studio(poll);
  await waits(page, 3);
  await page.keyboard.press("/");
  await page.keyboard.type("cafe");
  await panel(page).getByText("2 words found").waitFor();
  await page.keyboard.press("Enter");
  assert.match(await focused(page), /^(Café|Ｃａｆｅ)/);
  await page.keyboard.press("?");
  await page.getByRole("dialog").getByText("On a word: hide it").waitFor();
  await leave({ moved: true });
});
