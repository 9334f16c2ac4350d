// Tests words on the voter's phone and in the form in which they are asked for: by touch and by keyboard, in a room
// that goes on answering; without a connection, on the smallest screen, hidden, waiting for approval, and refused.

import assert from "node:assert/strict";
import { person } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import {
  NO_SERVER,
  SMALL,
  accessible,
  at as joined,
  enlarge,
  fits,
  live,
  overhear,
  plain,
  press,
  told,
} from "./phone.mjs";

const { server, browser } = await inHall();

const at = (poll, rest) => joined(browser, server, poll, rest);
const field = (page, n, of = 3) => page.getByLabel(`Word ${n} of ${of}`, { exact: true });
const fields = (page) => page.locator(".slot input").evaluateAll((all) => all.map(({ value }) => value));
/** Waits until a field says this of its word. */
const remarked = (page, n, words) =>
  page
    .locator(".slot")
    .nth(n - 1)
    .locator(".remark", { hasText: words })
    .waitFor();
/** Waits until the room's words have a row that reads like this. */
const heard = (page, words) => page.locator(".audible .board li", { hasText: words }).waitFor();
const own = (page) => page.locator(".board .self bdi").allTextContents();
/** Returns the words that the server shows, with their votes. */
const counts = async (poll) => (await server.read(poll)).words.map(({ text, votes }) => [text, votes]);
const moderate = (poll, body) =>
  server.call("POST", `/api/polls/${poll.id}/moderate`, { token: poll.ownerToken, body });
const listed = async (poll, state = "shown") =>
  (await server.call("GET", `/api/polls/${poll.id}/words?state=${state}`, { token: poll.ownerToken })).words;
const idOf = async (poll, text, state) => (await listed(poll, state)).find((word) => word.text === text).id;
const pastes = (page, text) =>
  page.evaluate((text) => {
    const data = new DataTransfer();
    data.setData("text", text);
    const paste = { clipboardData: data, bubbles: true, cancelable: true };
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", paste));
  }, text);

const TOUCH_AND_KEYS =
  "one by touch, one by keyboard, while strangers answer: the next field comes by itself, nothing moves, and every " +
  "word counts once";
test(TOUCH_AND_KEYS, async () => {
  const poll = await server.words("What makes a good tool?");
  const touch = await at(poll, { expected: /net::ERR_|WebSocket/ }),
    keys = await at(poll, { size: { width: 390, height: 560 } });
  await live(touch.page);
  await live(keys.page);
  const words = ["fast", "Simple", "correct", "kind", "sharp"];
  const crowd = server.crowd(poll, { perSecond: 10, choose: (one) => [words[one % 5], words[(one + 1) % 5]] });
  assert.deepEqual(await fields(touch.page), [""]);
  assert.ok(await touch.page.locator(".wide").isDisabled());
  await field(touch.page, 1).tap();
  await touch.page.keyboard.type("SIMPLE");
  await field(touch.page, 2).tap();
  await touch.page.keyboard.type("cheap");
  assert.deepEqual(await fields(touch.page), ["SIMPLE", "cheap", ""]);

  const { keyboard } = keys.page;
  await field(keys.page, 1).focus();
  await keyboard.type("calm");
  await keyboard.press("Enter");
  await keyboard.type("fast");
  await keyboard.press("Tab");
  assert.ok(await field(keys.page, 3).evaluate((node) => node === document.activeElement));
  await keyboard.type("calm");
  await remarked(keys.page, 3, "Same as word 1");
  assert.equal(plain(await keys.page.locator(".wide").textContent()), "Send 2 words");
  await keyboard.press("Enter");
  await told(keys.page, "Counted");
  await heard(keys.page, "fast");
  await keys.page.locator(".board .self").first().waitFor();

  // A broken line, or a close that is taken back, takes no word.
  server.line.cut();
  await server.counted(poll, crowd.voters + 4);
  await live(touch.page);
  assert.deepEqual(await fields(touch.page), ["SIMPLE", "cheap", ""]);
  const account = await crowd.leave();
  await server.act(poll, "close");
  await told(touch.page, "This poll is closed");
  await server.act(poll, "reopen");
  await told(touch.page, "Not sent yet");
  await press(touch.page, "Send 2 words");
  await told(touch.page, "Counted");
  await server.act(poll, "close");
  await touch.page.getByText("Final result", { exact: true }).waitFor();
  assert.equal(crowd.unknown + crowd.refused, 0);
  for (const word of ["simple", "cheap", "calm", "fast"]) account.votes[word] = (account.votes[word] ?? 0) + 1;
  const now = await server.counted(poll, account.voters + 2);
  assert.deepEqual(Object.fromEntries(now.words.map(({ text, votes }) => [text.toLowerCase(), votes])), account.votes);
  assert.equal(now.totalVoters, account.voters + 2);
  assert.deepEqual((await own(touch.page)).map((text) => text.toLowerCase()).sort(), ["cheap", "simple"]);
  assert.equal(await touch.page.locator("fieldset input:enabled").count(), 0);
  await press(touch.page, "Receipt");
  const receipt = touch.page.getByRole("dialog", { name: "Receipt for your vote" });
  await receipt.getByText("Your words", { exact: true }).waitFor();
  assert.equal(await receipt.locator("dd").first().innerText(), "SIMPLE\ncheap");
  await touch.page.keyboard.press("Escape");
  await touch.page.getByText("Results as a table").tap();
  await touch.page.getByRole("row", { name: /^cheap 1 / }).waitFor();
  await touch.leave({ moved: true });
  await keys.leave();
});

test("a pasted list is taken apart, what is too long is said and not sent, and Enter when empty sends", async () => {
  const poll = await server.words("And in one word?");
  const { page, leave } = await at(poll);
  await live(page);
  await field(page, 1).focus();
  await pastes(page, "Rust, fast builds");
  assert.deepEqual(await fields(page), ["Rust", "fast builds", ""]);
  await field(page, 3).fill("a".repeat(38));
  await page.locator(".remain", { hasText: "2 characters left" }).waitFor();
  await field(page, 3).fill("👩‍🚀".repeat(41));
  await remarked(page, 3, "Too long");
  await field(page, 1).focus();
  await press(page, "Shorten what is too long");
  await field(page, 3).and(page.locator("[aria-invalid=true]:focus")).waitFor();
  await field(page, 3).fill("");
  await page.keyboard.press("Enter");
  await told(page, "Counted");
  await heard(page, "fast builds");
  assert.deepEqual(await counts(poll), [
    ["Rust", 1],
    ["fast builds", 1],
  ]);
  await leave();
});

test("a changed mind counts once with the earlier words filled in; where none can be changed they stand", async () => {
  const poll = await server.words("And now?"),
    once = await server.words("Once?", { revote: "refuse", maxWords: 1 });
  const { page, leave } = await at(poll);
  await field(page, 1).fill("tea");
  await field(page, 2).fill("coffee");
  await press(page, "Send 2 words");
  await told(page, "Counted");
  await page.reload();
  await told(page, "Counted");
  assert.deepEqual(await fields(page), ["tea", "coffee", ""]);
  await field(page, 2).fill("");
  await field(page, 1).fill("");
  await remarked(page, 1, "What you sent still stands");
  await field(page, 1).blur();
  assert.deepEqual(await fields(page), [""]);
  assert.equal(plain(await page.locator(".wide").textContent()), "Write a word first");
  await accessible(page);
  await page.reload();
  await told(page, "Counted");
  assert.deepEqual(await fields(page), ["tea", "coffee", ""]);
  await field(page, 1).fill("");
  await press(page, "Change to 1 word");
  await told(page, "Counted");
  await page.locator(".board .self bdi", { hasText: "coffee" }).waitFor();
  assert.deepEqual(await counts(poll), [["coffee", 1]]);
  await leave({ moved: true });

  const chair = await at(once);
  await chair.page.getByLabel("Your word", { exact: true }).fill("tea");
  await chair.page.getByText(/can(’|')t change/).waitFor();
  await press(chair.page, "Send 1 word");
  await told(chair.page, "Counted");
  assert.equal(await chair.page.locator("fieldset input:enabled").count(), 0);
  await chair.leave();
});

test("words given offline wait on the phone, also through a reload", async () => {
  const poll = await server.words("In a tunnel?");
  const { page, context, leave } = await at(poll, { expected: NO_SERVER });
  await live(page);
  await context.setOffline(true);
  await field(page, 1).fill("dark");
  await press(page, "Send 1 word");
  await told(page, "Saved on this phone");
  await context.setOffline(false);
  await told(page, "Counted");
  await page.route("**/vote?wait=counted", (route) => route.abort());
  await field(page, 2).fill("loud");
  await press(page, "Change to 2 words");
  await told(page, "Not through yet");
  await page.unroute("**/vote?wait=counted");
  await page.reload();
  await told(page, "Counted");
  await heard(page, "loud");
  assert.deepEqual(await fields(page), ["dark", "loud", ""]);
  assert.deepEqual(await counts(poll), [
    ["dark", 1],
    ["loud", 1],
  ]);
  await leave({ moved: true });
});

test("a word that was erased is refused at its field, stays there, and another one counts", async () => {
  const poll = await server.words("What do you think?");
  await server.answered(poll, [["nonsense"], ["sense"]]);
  await moderate(poll, { erase: [await idOf(poll, "nonsense")] });
  const { page, leave } = await at(poll, { expected: /status of 422/ });
  await live(page);
  await field(page, 1).fill("sense");
  await field(page, 2).fill("Nonsense");
  await press(page, "Send 2 words");
  await told(page, "Not accepted");
  await told(page, "cannot be used here");
  await remarked(page, 2, "Please change this word");
  assert.deepEqual(await fields(page), ["sense", "Nonsense", ""]);
  assert.equal(await field(page, 2).getAttribute("aria-invalid"), "true");
  await press(page, "Please change this word");
  await field(page, 2).and(page.locator(":focus")).waitFor();
  await accessible(page);
  await field(page, 2).fill("more sense");
  await press(page, "Send 2 words");
  await told(page, "Counted");
  await page.getByText("1 vote is for a word not shown here.").waitFor();
  assert.deepEqual(await counts(poll), [
    ["sense", 2],
    ["more sense", 1],
  ]);
  await leave();
});

test("words that wait for approval are told to nobody; once approved they appear, and nothing moves", async () => {
  const poll = await server.words("Any questions?", { approve: true });
  await server.answered(poll, [["secret-one"], ["secret-two"]]);
  const { page, leave } = await person(browser, { size: SMALL });
  const heardNone = overhear(page);
  await page.goto(`${server.url}/p/${poll.code}`);
  await page.getByText("Your words appear once the organiser has approved them.").waitFor();
  await field(page, 1).fill("lunch");
  await press(page, "Send 1 word");
  await told(page, "Counted");
  await page.getByText("3 votes are for words not shown here.").waitFor();
  assert.equal(await page.locator(".board li").count(), 0);
  await heardNone(/secret-/);
  const place = () => page.locator(".slots").boundingBox();
  const before = await place();
  await moderate(poll, { show: [await idOf(poll, "lunch", "waiting")] });
  await page.locator(".board .self bdi", { hasText: "lunch" }).waitFor();
  await page.getByText("2 votes are for words not shown here.").waitFor();
  await heardNone(/secret-/);
  await moderate(poll, { approve: false, hide: [await idOf(poll, "secret-two", "waiting")] });
  await heard(page, "secret-one");
  await page.getByText("1 vote is for a word not shown here.").waitFor();
  assert.equal(await page.getByText("once the organiser").count(), 0);
  assert.deepEqual(await place(), before);
  await heardNone(/secret-two/);
  await leave();
});

test("hidden words reach nobody before they are revealed, and then move no paper", async () => {
  const poll = await server.words("In secret?", { results: "hidden" });
  await server.answered(poll, [["secret-one", "secret-two"]]);
  const { page, leave } = await person(browser, { size: SMALL });
  const heardNone = overhear(page);
  await page.goto(`${server.url}/p/${poll.code}`);
  await field(page, 1).fill("lunch");
  await press(page, "Send 1 word");
  await told(page, "Counted");
  await page.getByText("2 have voted; results come later").waitFor();
  assert.equal(await page.locator(".audible").count(), 0);
  const place = () => page.locator(".slots").boundingBox();
  const before = await place();
  await heardNone(/secret-|"(moreWords|otherVotes|unshownVotes|totalVotes)":\d|"words":\[\{/);
  await server.act(poll, "reveal");
  await heard(page, "secret-two");
  assert.deepEqual(await place(), before);
  await leave({ moved: true });
});

test("at 320 px a word that is too long is led to by the button, by touch and by keys, and is in sight", async () => {
  const poll = await server.words("Ten?", { maxWords: 10 });
  const { page, leave } = await at(poll, { size: SMALL });
  await live(page);
  for (let n = 1; n <= 9; n++) await field(page, n, 10).fill(n === 2 || n === 8 ? "a".repeat(41) : `word ${n}`);
  const inSight = async (n) => {
    await field(page, n, 10).and(page.locator(":focus")).waitFor();
    const hit = await field(page, n, 10).evaluate((node) => {
      const { left, top, right, bottom } = node.getBoundingClientRect();
      return [top + 2, bottom - 2].every((y) => document.elementFromPoint((left + right) / 2, y) === node);
    });
    assert.ok(hit, `field ${n} is not in sight`);
  };
  await press(page, "Shorten what is too long");
  await inSight(2);
  await field(page, 2, 10).fill("word 2");
  await field(page, 1, 10).focus();
  await page.locator(".wide").focus();
  await page.locator(".slots").evaluate((slots) => slots.scrollTo(0, 0));
  await page.keyboard.press("Enter");
  await inSight(8);
  await accessible(page);
  await field(page, 8, 10).fill("word 8");
  await page.keyboard.press("Enter");
  await page.keyboard.type("b".repeat(41));
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await inSight(9);
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("word 9");
  await press(page, "Send 9 words");
  await told(page, "Counted");
  assert.equal((await counts(poll)).length, 9);
  await leave({ moved: true });
});

const STRANGE = [
  "بناء سريع",
  "👩‍🚀🦀",
  `Z${"\u0335\u0321".repeat(12)}algo`,
  "<b>bold</b>",
  "one two three four five six seven 89",
];
test("at 320 px nothing sticks out, all can be hit, also at twice the size; accessible in both themes", async () => {
  const poll = await server.words("ما الكلمة الأولى؟", { maxWords: 10 });
  const plainly = Array.from({ length: 32 }, (_, i) => [`word ${i}`, `more ${i}`]);
  await server.answered(poll, [...STRANGE.map((word) => [word]), ...plainly]);
  for (const theme of ["light", "dark"]) {
    const { page, leave } = await at(poll, { size: SMALL, theme });
    await fits(page, "fieldset input");
    await accessible(page);
    for (const [i, word] of STRANGE.entries()) await field(page, i + 1, 10).fill(word);
    await field(page, 6, 10).fill(STRANGE[0]);
    await fits(page, "fieldset input");
    await accessible(page);
    const ends = () => field(page, 1, 10).evaluate((node) => getComputedStyle(node).direction);
    assert.equal(await ends(), "rtl");
    await press(page, "Send 5 words");
    await told(page, "Counted");
    await heard(page, "<b>bold</b>");
    assert.equal(await page.locator(".board b").count(), 0);
    assert.equal(await page.locator(".board li").count(), 30);
    await page.getByText(/^and \d+ more$/).waitFor();
    const heights = await page.locator(".board li").evaluateAll((all) => all.map((row) => row.offsetHeight));
    assert.equal(new Set(heights).size, 1, `${heights}`);
    await fits(page, "fieldset input");
    await accessible(page);
    await page.locator(".board").focus();
    await page.keyboard.press("End");
    await page.waitForFunction(() => document.querySelector(".board").scrollTop > 0);
    await enlarge(page);
    await fits(page, "fieldset input");
    await leave({ moved: true });
  }
});

test("German, Spanish and Hindi", async () => {
  const poll = await server.words("Wie war es?");
  for (const [locale, start, label, send] of [
    ["de", "Bis zu 3 Wörter oder kurze Ausdrücke senden", "Wort 1 von 3", "1 Wort senden"],
    ["es", "Envía hasta 3 palabras o frases cortas", "Palabra 1 de 3", "Enviar 1 palabra"],
    ["hi", "3 तक शब्द या छोटे वाक्यांश भेजें", "शब्द 1, कुल 3", "1 शब्द भेजें"],
  ]) {
    const { page, leave } = await at(poll, { locale });
    await told(page, start);
    await page.getByLabel(label, { exact: true }).fill("gut");
    assert.equal(plain(await page.locator(".wide").textContent()), send);
    await leave();
  }
});

test("an organiser writes a poll of words, keeps it as a draft with its rules, and opens it", async () => {
  const { page, leave } = await person(browser, { size: { width: 1100, height: 900 } });
  await page.goto(`${server.url}/studio/new`);
  await page.getByLabel("Question", { exact: true }).fill("What comes to mind?");
  await page.getByLabel("Option A", { exact: true }).fill("Pizza");
  await page.getByRole("radio", { name: "words", exact: true }).check();
  assert.equal(await page.getByLabel("Option A", { exact: true }).count(), 0, "words have no options");
  const most = page.getByLabel("How many words may each person send?");
  assert.equal(await most.inputValue(), "3");
  await most.fill("12");
  await page.getByText("Each person may send 1 to 10 words.").waitFor();
  await most.fill("5");
  await page.getByText("Every word appears at once.").waitFor();
  await page.getByLabel("Show new words only after I have approved them").check();
  await page.getByText("until you let it through").waitFor();
  await accessible(page);
  await page.reload();
  assert.equal(await most.inputValue(), "5");
  assert.ok(await page.getByLabel("Show new words only after I have approved them").isChecked());
  await page.getByRole("button", { name: "Save as draft" }).click();
  await page.waitForURL(/[/]studio[/]polls[/]/);
  const id = page.url().split("/").pop();
  const token = await page.evaluate((of) => JSON.parse(localStorage.getItem(`pollux.token.${of}`)), id);
  const draft = await server.read({ id }, token);
  assert.deepEqual([draft.kind, draft.maxWords, draft.approve, draft.status], ["words", 5, true, "draft"]);
  await leave({ moved: true });
});
