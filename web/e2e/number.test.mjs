// Tests a number on the voter's phone: by touch and by keyboard, in a room that goes on answering; on the smallest
// screen, without a connection, and with hidden results.

import assert from "node:assert/strict";
import { person } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import { SMALL, accessible, at as joined, enlarge, fits, live, overhear, plain, press, thumb, told } from "./phone.mjs";

const { server, browser } = await inHall();

const at = (poll, rest) => joined(browser, server, poll, rest);
const field = (page) => page.getByRole("spinbutton");
const slider = (page) => page.getByRole("slider");
const more = (page) => page.getByRole("button", { name: "More", exact: true });
const less = (page) => page.getByRole("button", { name: "Less", exact: true });
/** Returns what the paper says: the field, the button that sends, and whether there is a thumb on the slider. */
const paper = async (page) => [
  await field(page).inputValue(),
  plain(await page.locator(".wide").textContent()),
  (await page.locator(".slide.unset").count()) ? null : Number(await slider(page).inputValue()),
];
const EMPTY = ["", "Enter a number first", null];
/** Waits until the page advises this about the number. */
const advised = (page, words) => page.locator(".advice", { hasText: words }).waitFor();
/** Waits until what the room has answered reads like this. */
const answered = (page, words) => page.locator(".answers.known", { hasText: words }).waitFor();
/** Returns how many people gave each value that anybody gave. */
const given = ({ spread, min, step }) =>
  spread.flatMap((people, slot) => (people ? [[Number((min + slot * step).toFixed(6)), people]] : []));

const TOUCH_AND_KEYS =
  "one by touch, one by keyboard, while strangers answer: nothing is suggested, nothing that is given moves, and " +
  "every answer counts once";
test(TOUCH_AND_KEYS, async () => {
  const poll = await server.number("How heavy is it?", { unit: "kg", solution: 42 });
  const touch = await at(poll, { expected: /net::ERR_|WebSocket/ }),
    keys = await at(poll, { size: { width: 390, height: 560 } });
  await live(touch.page);
  await live(keys.page);
  const crowd = server.crowd(poll, { perSecond: 10, choose: (one) => 30 + (one % 7) });
  for (const { page } of [touch, keys]) {
    assert.deepEqual(await paper(page), EMPTY);
    assert.ok(await page.locator(".wide").isDisabled());
  }
  await touch.page.touchscreen.tap(...(await thumb(slider(touch.page), 0.4)));
  await touch.page.locator(".slide:not(.unset)").waitFor();
  const near = Number(await field(touch.page).inputValue());
  assert.ok(near > 35 && near < 45, `${near} kg`);
  for (let value = near; value < 41; value++) await more(touch.page).tap();
  for (let value = near; value > 41; value--) await less(touch.page).tap();
  assert.deepEqual(await paper(touch.page), ["41", "Send 41 kg", 41]);

  // The question, the field, the slider and the button follow one another.
  const { keyboard } = keys.page;
  await field(keys.page).focus();
  await keyboard.type("38,7");
  assert.deepEqual(await paper(keys.page), ["38,7", "Send 39 kg", 39]);
  await keyboard.press("Tab");
  assert.deepEqual(await paper(keys.page), ["39", "Send 39 kg", 39]);
  await advised(keys.page, "The nearest value is");
  assert.ok(await slider(keys.page).evaluate((node) => node === document.activeElement));
  for (const key of ["PageUp", "ArrowRight", "ArrowLeft", "ArrowUp"]) await keyboard.press(key);
  assert.deepEqual(await paper(keys.page), ["50", "Send 50 kg", 50]);
  const counted = (people) =>
    keys.page.waitForFunction(
      (least) => Number(document.querySelector("main .line .cut").textContent.replace(/\D/g, "")) >= least,
      people,
    );
  await counted(8);
  assert.ok(await slider(keys.page).evaluate((node) => node === document.activeElement), "the focus went away");
  await keyboard.press("Tab");
  assert.equal(await keys.page.evaluate(() => document.activeElement.className), "button primary wide");
  await keyboard.press("Enter");
  await told(keys.page, "Counted");
  await answered(keys.page, "You answered");

  // A broken line, or a close that is taken back, takes no number.
  server.line.cut();
  await counted(crowd.voters + 4);
  await live(touch.page);
  assert.deepEqual(await paper(touch.page), ["41", "Send 41 kg", 41]);
  const first = await crowd.leave();
  await server.act(poll, "close");
  await told(touch.page, "This poll is closed");
  await server.act(poll, "reopen");
  await told(touch.page, "Not sent yet");
  assert.deepEqual(await paper(touch.page), ["41", "Send 41 kg", 41]);
  await press(touch.page, /^Send .*41/);
  await told(touch.page, "Counted");

  await server.act(poll, "close");
  await touch.page.getByText("Final result", { exact: true }).waitFor();
  assert.equal(crowd.unknown + crowd.refused, 0);
  first.votes[41]++;
  first.votes[50]++;
  const now = await server.counted(poll, first.voters + 2);
  assert.deepEqual([now.spread, now.totalVoters], [first.votes, first.voters + 2]);
  await answered(touch.page, "Right answer");
  await answered(touch.page, "away");
  assert.match(plain(await touch.page.locator(".answers").innerText()), /You answered 41 kg.*42 kg.*1 kg away/);
  assert.equal(await touch.page.locator("fieldset :is(input, button):enabled").count(), 0);
  await press(touch.page, "Receipt");
  const receipt = touch.page.getByRole("dialog", { name: "Receipt for your vote" });
  await receipt.getByText("You answered", { exact: true }).waitFor();
  assert.equal(plain(await receipt.locator("dd").first().textContent()), "41 kg");
  await touch.page.keyboard.press("Escape");
  await touch.page.getByText("Results as a table").tap();
  await touch.page.getByRole("row", { name: /^40–41\skg 1 / }).waitFor();
  await touch.leave({ moved: true });
  await keys.leave();
});

test("a thumb that lands on the slider and scrolls the page gives no number, and takes none away", async () => {
  const poll = await server.number("How many?");
  const { page, leave } = await at(poll, { size: { width: 390, height: 420 } });
  await live(page);
  const finger = await page.context().newCDPSession(page);
  const touch = (type, ...touchPoints) => finger.send("Input.dispatchTouchEvent", { type, touchPoints });
  await page.evaluate(() =>
    document.addEventListener("pointercancel", () => document.body.setAttribute("data-cancelled", "")),
  );
  async function scrolls(part) {
    await page.evaluate(() => {
      document.body.removeAttribute("data-cancelled");
      scrollTo(0, 0);
    });
    const [x, y] = await thumb(slider(page), part);
    await touch("touchStart", { x, y });
    for (let i = 1; i <= 10; i++) await touch("touchMove", { x, y: y - 12 * i });
    await page.locator("body[data-cancelled]").waitFor();
    await touch("touchEnd");
  }
  for (const part of [0, 0.8]) {
    await scrolls(part);
    assert.deepEqual(await paper(page), EMPTY);
  }
  await field(page).fill("42");
  await scrolls(0.8);
  assert.deepEqual(await paper(page), ["42", "Send 42", 42]);
  await leave({ moved: true });
});

test("a tap on the slider's left end gives the lowest number", async () => {
  const poll = await server.number("None at all?", { max: 1_000 });
  const { page, leave } = await at(poll);
  for (const part of [-0.04, 0]) {
    await live(page);
    const [x, y] = await thumb(slider(page), part);
    await page.touchscreen.tap(x, y);
    await page.locator(".slide:not(.unset)").waitFor();
    assert.deepEqual(await paper(page), ["0", "Send 0", 0]);
    await field(page).fill("");
    await page.locator(".slide.unset").waitFor();
  }
  await leave({ moved: true });
});

test("parted thousands are read as such; an emptied field has what was sent again, also after a reload", async () => {
  const poll = await server.number("What does it cost?", { max: 10_000, step: 12.5, unit: "€" });
  const { page, leave } = await at(poll);
  await live(page);
  await field(page).pressSequentially("10,000 €");
  await page.keyboard.press("Enter");
  assert.deepEqual(await paper(page), ["10000", "Send 10,000 €", 800]);
  await press(page, /^Send/);
  await told(page, "Counted");
  assert.deepEqual(given(await server.read(poll)), [[10_000, 1]]);
  await field(page).fill("");
  await field(page).blur();
  assert.equal(await field(page).inputValue(), "10000");
  await field(page).fill("");
  await page.reload();
  await told(page, "Counted");
  assert.equal(await field(page).inputValue(), "10000");
  await leave({ moved: true });
});

test("what is no answer is said kindly and is not sent; Enter leads to the button", async () => {
  const poll = await server.number("How warm is it?", { min: -20, max: 40, step: 0.5, unit: "°C" });
  const { page, leave } = await at(poll, { size: { width: 390, height: 900 } });
  await live(page);
  await field(page).fill("100");
  await advised(page, "Please enter a number from");
  assert.ok(await page.locator(".wide").isDisabled());
  await field(page).fill("-7.3");
  await page.keyboard.press("Enter");
  assert.deepEqual(await paper(page), ["-7.5", "Send -7.5 °C", 25]);
  assert.equal(await page.evaluate(() => document.activeElement.className), "button primary wide");
  assert.equal((await server.read(poll)).totalVoters, 0);
  await page.keyboard.press("Enter");
  await told(page, "Counted");
  assert.deepEqual(given(await server.read(poll)), [[-7.5, 1]]);
  await leave();
});

test("a changed mind counts once, 0 is a number, and where none can be changed the first one stands", async () => {
  const poll = await server.number("And now?"),
    once = await server.number("Once?", { revote: "refuse" });
  const { page, leave } = await at(poll);
  await field(page).fill("60");
  await press(page, /^Send .*60/);
  await told(page, "Counted");
  await field(page).fill("0");
  await press(page, /^Change to .*0/);
  await told(page, "Counted");
  await answered(page, /You answered .*0/);
  assert.deepEqual(given(await server.read(poll)), [[0, 1]]);
  await leave({ moved: true });

  const chair = await at(once);
  await more(chair.page).tap();
  await chair.page.getByText(/can(’|')t change/).waitFor();
  await press(chair.page, /^Send .*0/);
  await told(chair.page, "Counted");
  assert.equal(await chair.page.locator("fieldset :is(input, button):enabled").count(), 0);
  await chair.leave({ moved: true });
});

test("a number given offline waits on the phone, also through a reload", async () => {
  const poll = await server.number("In a tunnel?");
  const { page, context, leave } = await at(poll, { expected: /net::ERR_|WebSocket connection to|status of 50[0-9]/ });
  await live(page);
  await context.setOffline(true);
  await field(page).fill("40");
  await press(page, /^Send .*40/);
  await told(page, "Saved on this phone");
  await context.setOffline(false);
  await told(page, "Counted");
  await page.route("**/vote?wait=counted", (route) => route.abort());
  await field(page).fill("50");
  await press(page, /^Change to .*50/);
  await told(page, "Not through yet");
  await page.unroute("**/vote?wait=counted");
  await page.reload();
  await told(page, "Counted");
  await answered(page, /You answered .*50/);
  assert.deepEqual(given(await server.read(poll)), [[50, 1]]);
  await leave({ moved: true });
});

test("hidden numbers, and the right answer, reach nobody before it is time, and then move no paper", async () => {
  const poll = await server.number("In secret?", { results: "hidden", unit: "kg", solution: 87.625 });
  await server.answered(poll, [87, 90]);
  const { page, leave } = await person(browser, { size: SMALL });
  const heardNone = overhear(page);
  await page.goto(`${server.url}/p/${poll.code}`);
  await field(page).fill("80");
  await press(page, /^Send .*80/);
  await told(page, "Counted");
  await page.getByText("3 have voted; results come later").waitFor();
  assert.equal(await page.locator(".answers.known").count(), 0);
  const place = () => page.locator(".guess").boundingBox();
  const before = await place();
  await heardNone(/87\.625|"(votes|mean|median|totalVotes)":\d|"spread":\[/);
  await server.act(poll, "reveal");
  await answered(page, "85.7 kg");
  assert.deepEqual(await place(), before);
  await heardNone(/87\.625/);
  await server.act(poll, "close");
  await answered(page, "Right answer");
  assert.match(
    plain(await page.locator(".answers").innerText()),
    /87\.625 kg Your answer is 7\.625 kg away Nearest: 87/,
  );
  await server.act(poll, "reopen");
  await page.locator(".answers", { hasNotText: "Right answer" }).waitFor();
  await leave({ moved: true });
});

test("at 320 px nothing sticks out, all can be hit, also at twice the size; accessible in both themes", async () => {
  const poll = await server.number("كم وزن هذا التمثال؟", { max: 10_000, step: 10, unit: "كيلوغرام" });
  await server.answered(poll, [120, 5_000, 9_990]);
  for (const theme of ["light", "dark"]) {
    const { page, leave } = await at(poll, { size: SMALL, theme });
    const targets = "fieldset :is(input, button)";
    await fits(page, targets);
    await accessible(page);
    await field(page).fill("10000");
    const cut = () => field(page).evaluate((node) => node.scrollWidth - node.clientWidth);
    assert.ok((await cut()) <= 0, "10000 does not fit into its field");
    await accessible(page);
    await press(page, /^Send/);
    await told(page, "Counted");
    await answered(page, "You answered");
    await accessible(page);
    await enlarge(page);
    await fits(page, targets);
    await leave({ moved: true });
  }
});

test("at 320 px and twice the size the number and its unit have a line each, and no word breaks", async () => {
  /** Returns how many lines this has. */
  const lines = (of) =>
    of.evaluate((node) => {
      const range = document.createRange();
      range.selectNodeContents(node);
      return new Set([...range.getClientRects()].filter(({ width }) => width).map(({ top }) => Math.round(top))).size;
    });
  for (const [grid, typed] of [
    [{ max: 10_000, step: 10, unit: "kg" }, "10000"],
    [{ min: -50, max: 50, step: 0.5, unit: "°C" }, "-12,5"],
    [{ min: -1e9, max: 1e9, step: 2e6, unit: "€" }, "-1000000000"],
    [{ unit: "Dampfschiffe" }, "42"],
  ]) {
    const poll = await server.number("How much?", grid);
    const { page, leave } = await at(poll, { size: SMALL });
    await live(page);
    await field(page).fill(typed);
    await press(page, /^Send/);
    await told(page, "Counted");
    await answered(page, "You answered");
    assert.equal(await lines(page.locator(".middles strong").first()), 1, `${grid.unit}, before`);
    await enlarge(page);
    await fits(page, "fieldset :is(input, button)");
    const [sign, entry] = await Promise.all([more(page).boundingBox(), field(page).boundingBox()]);
    assert.ok(sign.y >= entry.y + entry.height, `the buttons stand beside ${typed}`);
    assert.ok((await field(page).evaluate((node) => node.scrollWidth - node.clientWidth)) <= 0, `${typed} is cut`);
    if (grid.unit.length < 4) assert.equal(await lines(page.locator(".blank span")), 1, `${grid.unit} breaks`);
    await leave({ moved: true });
  }
});

test("German, Spanish and Hindi: words and numbers", async () => {
  const poll = await server.number("Wie viel?", { min: 1_000, max: 1_500, step: 0.5, unit: "m" });
  for (const [locale, typed, sends, range] of [
    ["de", "1234,5", "1.234,5 m senden", "Von 1.000 bis 1.500 m, in Schritten von 0,5 m"],
    ["es", "1234,5", "Enviar 1234,5 m", "De 1000 a 1500 m, en pasos de 0,5 m"],
    ["hi", "1234.5", "1,234.5 m भेजें", "1,000 से 1,500 m तक, हर 0.5 m पर"],
  ]) {
    const { page, leave } = await at(poll, { locale });
    assert.equal(plain(await page.locator(".advice").textContent()), range);
    await field(page).fill(typed);
    await field(page).blur();
    assert.equal(await field(page).inputValue(), typed);
    assert.equal(plain(await page.locator(".wide").textContent()), sends);
    await leave();
  }
});
