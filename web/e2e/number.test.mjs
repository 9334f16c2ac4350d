// Tests a number on the voter's phone: by touch and by keyboard, in a room that goes on answering; on the smallest
// screen, without a connection, and with hidden results. Also a poll's way from the studio to the stage and to a file,
// and that its right answer reaches nobody before the close.

import assert from "node:assert/strict";
import { person } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import { SMALL, accessible, at as joined, enlarge, fits, live, overhear, press, told } from "./phone.mjs";
import { openOn, stageIn, total } from "./stage.mjs";
import { live as followed } from "./studio.mjs";
import { turnoutStandsFree } from "./turnout.mjs";

const { server, browser } = await inHall();

const at = (poll, rest) => joined(browser, server, poll, rest);
const field = (page) => page.getByRole("spinbutton");
const slider = (page) => page.getByRole("slider");
const more = (page) => page.getByRole("button", { name: "More", exact: true });
const less = (page) => page.getByRole("button", { name: "Less", exact: true });
/** Returns a text without what only a browser needs in it. */
const plain = (text) =>
  text
    .replace(/[\u2066-\u2069]/g, "")
    .replace(/\s+/g, " ")
    .trim();
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

/** Returns where a slider's thumb stands, or would stand, with this part of the range. */
async function thumb(page, part) {
  const { x, y, width, height } = await slider(page).boundingBox();
  const size = 1.8 * (await page.evaluate(() => parseFloat(getComputedStyle(document.documentElement).fontSize)));
  return [x + size / 2 + part * (width - size), y + height / 2];
}

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
  await touch.page.touchscreen.tap(...(await thumb(touch.page, 0.4)));
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
    const [x, y] = await thumb(page, part);
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
    const [x, y] = await thumb(page, part);
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

test("an organiser writes a poll for a number, shows it, closes it with its right answer, takes the file", async () => {
  const { page, leave } = await person(browser, { size: { width: 1100, height: 900 } });
  await page.goto(`${server.url}/studio/new`);
  await page.getByLabel("Question", { exact: true }).fill("How high is Mount Everest?");
  await page.getByLabel("Option A", { exact: true }).fill("Pizza");
  await page.getByText("a number", { exact: true }).click();
  assert.equal(await page.getByLabel("Option A", { exact: true }).count(), 0, "a number has no options");
  await page.getByText("101 values: 0, 1, 2 … 100").waitFor();
  await page.getByLabel("to", { exact: true }).fill("10000");
  await page.getByText("There would be 10,001 values; at most 1,001 are possible. Try steps of 10.").waitFor();
  await page.getByLabel("in steps of").fill("10");
  await page.getByLabel("Unit").fill("m");
  await page.getByText("1,001 values: 0, 10, 20 … 10,000 m").waitFor();
  await page.getByLabel("Right answer").fill("8848.86");
  await page.getByLabel("Results are shown").selectOption({ index: 2 });
  await accessible(page);
  await page.getByRole("button", { name: "Open now" }).click();
  await page.getByRole("heading", { name: "How high is Mount Everest?" }).waitFor();
  const id = page.url().split("/").pop();
  const token = await page.evaluate((of) => JSON.parse(localStorage.getItem(`pollux.token.${of}`)), id);
  const poll = await server.read({ id }, token);
  assert.deepEqual(
    [poll.kind, poll.min, poll.max, poll.step, poll.unit, poll.solution, poll.results],
    ["number", 0, 10_000, 10, "m", 8848.86, "hidden"],
  );
  await page.getByText("0 to 10,000 m, in steps of 10").waitFor();
  await page.getByText("Right answer: 8,848.86 m (shown after the close)").waitFor();
  await server.answered(poll, [8_000, 8_840, 5_000, 8_840]);
  await page.getByText("7,670 m").waitFor();
  await page.getByText("Each value that was given").click();
  await page.getByRole("row", { name: /8,840\sm 2 people 50%/ }).waitFor();
  await accessible(page);

  const stage = await stageIn(browser);
  await openOn(stage.page, server, `/present/${id}#token=${token}`);
  await stage.page.locator(".chart").waitFor();
  await turnoutStandsFree(stage.page, 4);
  const figures = () => stage.page.locator(".guesses .figures");
  assert.equal(plain(await figures().textContent()), "");
  await stage.page.keyboard.press("Space");
  await figures().getByText("7,670 m").waitFor();
  await figures().getByText("8,420 m").waitFor();
  await total(stage.page, "4 people have answered");
  assert.equal(await stage.page.locator(".flag").count(), 0, "the right answer is shown while the poll is open");
  await server.call("POST", `/api/polls/${id}/close`, { token });
  await stage.page.locator(".flag", { hasText: "8,848.86 m" }).waitFor();
  const outcome = stage.page.getByRole("group", { name: "Outcome" });
  await outcome.getByText("Right answer", { exact: true }).waitFor();
  await outcome.getByText(/nearest: 8,840\sm \(2\speople\)/).waitFor();
  assert.equal(await stage.page.locator(".solved").count(), 0, "the panel says the same");
  await accessible(stage.page);
  await stage.page.keyboard.press("p");
  await stage.page.locator("main.again").waitFor();
  await figures().getByText("7,670 m").waitFor({ timeout: 40_000 });
  await stage.leave();

  for (const [size, query] of [
    [{ width: 1280, height: 720 }, ""],
    [{ width: 1280, height: 200 }, "?theme=light"],
    [{ width: 500, height: 900 }, "?layout=columns"],
    [{ width: 320, height: 480 }, ""],
  ]) {
    const overlay = await stageIn(browser, { size });
    await overlay.page.goto(`${server.url}/overlay/${id}${query}`);
    await overlay.page.locator(".solved", { hasText: "nearest" }).waitFor();
    await total(overlay.page, "4 people have answered");
    const sticks = await overlay.page.evaluate(() =>
      [...document.querySelectorAll(".guesses :is(p, .label, .flag, .raised span)")]
        .map((one) => one.getBoundingClientRect())
        .filter((box) => box.width && (box.right > innerWidth + 1 || box.left < -1 || box.bottom > innerHeight + 1)),
    );
    assert.deepEqual(sticks, [], `${size.width} × ${size.height}`);
    await overlay.leave();
  }

  const { results } = await server.call("GET", `/api/polls/${id}/export?format=json`, { token });
  assert.equal(results.length, 1_001);
  assert.deepEqual(
    results.filter(({ votes }) => votes).map(({ value, unit, votes, share }) => [value, unit, votes, share]),
    [
      [5_000, "m", 1, 0.25],
      [8_000, "m", 1, 0.25],
      [8_840, "m", 2, 0.5],
    ],
  );
  await page.getByText("Right answer: 8,848.86 m — nearest: 8,840 m (2 people)").waitFor();
  await leave({ moved: true });
});

test("live results show the organiser the right answer while the poll is open, and no copy or draft loses it", async () => {
  const { page, leave } = await person(browser, {
    size: { width: 1100, height: 900 },
    expected: /status of 422/,
  });
  const answer = page.getByLabel("Right answer");
  const secret = page.getByText("Right answer: 17.75 kg (shown after the close)");
  const press = (name) => page.getByRole("button", { name, exact: true }).click();
  const write = (question) => page.getByLabel("Question", { exact: true }).fill(question);
  const read = async () => {
    const id = page.url().split("/").pop();
    const token = await page.evaluate((of) => JSON.parse(localStorage.getItem(`pollux.token.${of}`)), id);
    return { ...(await server.read({ id }, token)), ownerToken: token };
  };
  const heading = (name) => page.getByRole("heading", { name, exact: true }).waitFor();
  await page.goto(`${server.url}/studio/new`);
  await write("How heavy is the cat?");
  await page.getByText("a number", { exact: true }).click();
  await page.getByLabel("Unit").fill("kg");
  await answer.fill("17.75");
  await press("Open now");
  await heading("How heavy is the cat?");
  const first = await read();
  assert.deepEqual([first.results, first.solution], ["live", 17.75]);
  for (const reload of [false, true]) {
    if (reload) await page.reload();
    await secret.waitFor();
    await followed(page);
    await server.answered(first, reload ? [10, 20, 30] : [10, 20]);
    await page.locator("dl", { hasText: reload ? "Answers 3" : "Answers 2" }).waitFor();
    assert.ok(await secret.isVisible(), "the connection took the right answer away");
  }

  await page.getByRole("link", { name: "Duplicate", exact: true }).click();
  await heading("A copy");
  assert.equal(await answer.inputValue(), "17.75");
  await write("How heavy is the dog?");
  await press("Open now");
  await heading("How heavy is the dog?");
  assert.equal((await read()).solution, 17.75);
  await secret.waitFor();

  await page.getByRole("link", { name: "Duplicate", exact: true }).click();
  await heading("A copy");
  await write("How heavy is the bird?");
  await page.getByLabel("Unit").fill("kilogrammes of feathers");
  await press("Save as draft");
  await page.getByText("Please correct the marked fields.").waitFor();
  const fault = page.locator("#number-fault");
  await fault.getByText(/20/).waitFor();
  await page.getByLabel("Unit").fill("kg");
  assert.equal(await fault.textContent(), "");
  assert.equal(await page.getByText("Please correct the marked fields.").count(), 0);
  await press("Save as draft");
  await heading("Draft");
  const draft = await read();
  // Somebody else changes the draft, while this form is open.
  await server.call("PATCH", `/api/polls/${draft.id}`, { token: draft.ownerToken, body: { max: 50 } });
  await page.getByText("51 values: 0, 1, 2 … 50 kg").waitFor();
  assert.equal(await answer.inputValue(), "17.75");
  await write("How heavy is the goose?");
  await press("Save and open");
  await heading("How heavy is the goose?");
  assert.deepEqual([(await read()).max, (await read()).solution], [50, 17.75]);
  await secret.waitFor();
  await server.call("POST", `/api/polls/${draft.id}/close`, { token: draft.ownerToken });
  await page.getByText("Right answer: 17.75 kg", { exact: true }).waitFor();
  await leave({ moved: true });
});

test("in portrait, on a low screen and in a small frame the chart has room, and nothing leaves its area", async () => {
  const grid = { min: -1e9, max: 1e9, step: 2e6 };
  const poll = await server.number("What does it cost?", { ...grid, unit: "thousand", solution: 123_456_789.5 });
  await server.answered(poll, [-1e9, -4e8, -2e6, 0, 1e8, 1e8, 6e8, 1e9]);
  const { page, leave } = await stageIn(browser);
  const look = async (path, width, height, least) => {
    await page.setViewportSize({ width, height });
    await page.goto(`${server.url}/${path}/${poll.id}`);
    await page.locator(".figures bdi, .solved").first().waitFor();
    const { chart, out } = await page.evaluate(() => {
      const box = (selector) => document.querySelector(selector)?.getBoundingClientRect();
      const area = box(".area");
      const out = [...document.querySelectorAll(".guesses :is(.chart, .label, .flag, bdi, .solved, .raised span)")]
        .map((one) => {
          const text = document.createRange();
          text.selectNodeContents(one);
          return [one.textContent, (one.matches(".chart") ? one : text).getBoundingClientRect()];
        })
        .filter(([, { width }]) => width)
        .filter(
          ([, { left, right, top, bottom }]) =>
            left < area.left - 1 || right > area.right + 1 || top < area.top - 2 || bottom > area.bottom + 2,
        )
        .map(([text]) => text);
      const { width = 0, height = 0 } = box(".chart") ?? {};
      return { chart: [width, height], out };
    });
    assert.deepEqual(out, [], `${path} ${width} × ${height}`);
    assert.ok(chart[0] >= least[0] && chart[1] >= least[1], `${path} ${width} × ${height}: the chart has ${chart}`);
  };
  for (const act of ["open", "close"]) {
    if (act === "close") await server.act(poll, act);
    await look("present", 1080, 1920, [1_000, 400]);
    await look("present", 320, 640, [280, 180]);
    await look("present", 1920, 430, [1_200, 180]);
    await look("embed", 320, 240, [250, 60]);
    await look("embed", 480, 270, [300, 100]);
    await look("embed", 320, 180, [0, 0]);
  }
  await look("present", 1280, 720, [500, 300]);
  assert.equal(await page.locator(".solved").count(), 0, "the outcome's panel says the right answer");
  await page.keyboard.press("z");
  await page.locator(".solved", { hasText: /^Right answer: 123,456,789\.5/ }).waitFor();
  await leave({ moved: true });
});
