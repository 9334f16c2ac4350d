// Tests ranking on the voter's phone: by dragging, by buttons and by keyboard, in a room that goes on ranking; on
// the smallest screen, without a connection, and with hidden results. Also a ranking's way from the studio to the
// stage and into a file.

import assert from "node:assert/strict";
import { person } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import { SMALL, accessible, at as joined, enlarge, fits, live, overhear, press, told } from "./phone.mjs";
import { openOn, reaches, row as rowOn, rows as rowsOn, shownRows, stageIn, total } from "./stage.mjs";
import { turnoutStandsFree } from "./turnout.mjs";

const { server, browser } = await inHall();

const OPTIONS = ["Tea", "Coffee", "Juice"];
const at = (poll, rest) => joined(browser, server, poll, rest);
const row = (page, option) =>
  page.locator("fieldset li").filter({ has: page.locator(".named").getByText(option, { exact: true }) });
/** Finds an option's button, whose name says its place as well. */
const pick = (page, option) => row(page, option).locator(".pick");
const nudge = (page, option, way) => row(page, option).getByRole("button", { name: new RegExp(`^One place ${way}: `) });
/** Returns the options from the top of the paper, each behind its place if it has one. */
const paper = (page) =>
  page
    .locator("fieldset li")
    .evaluateAll((all) =>
      all.map((one) =>
        [one.querySelector(".badge"), one.querySelector("[id^=text]")].map((part) => part.textContent).join(""),
      ),
    );
/** Waits until the paper is this, and no row glides any more. */
async function reads(page, ...wanted) {
  await page.waitForFunction(
    (lines) =>
      [...document.querySelectorAll("fieldset li")]
        .map((one) => one.querySelector(".badge").textContent + one.querySelector("[id^=text]").textContent)
        .join() === lines && !document.getAnimations().some(({ effect }) => effect.target.matches("fieldset li")),
    wanted.join(),
  );
}
/** Taps these options one after another. */
async function tap(page, ...options) {
  for (const option of options) {
    await pick(page, option).tap();
    await page.waitForFunction(() => !document.getAnimations().some(({ effect }) => effect.target.matches("li")));
  }
}

/** Drags an option by its handle with a finger, until it lies over another one. */
async function drag(page, option, over) {
  const finger = await page.context().newCDPSession(page);
  const touch = (type, ...touchPoints) => finger.send("Input.dispatchTouchEvent", { type, touchPoints });
  const middle = async (of) => {
    const { x, y, width, height } = await row(page, of).locator(".grip").boundingBox();
    return { x: x + width / 2, y: y + height / 2 };
  };
  await row(page, option).scrollIntoViewIfNeeded();
  const from = await middle(option),
    to = await middle(over);
  await touch("touchStart", from);
  for (let i = 1; i <= 10; i++) await touch("touchMove", { x: from.x, y: from.y + ((to.y - from.y) * i) / 10 });
  await page.locator("fieldset .held").waitFor();
  await touch("touchEnd");
  await finger.detach();
}

/** Returns what the page has to show for how often each option was given each place. */
function figures(spreads) {
  const { length: places } = spreads[0];
  const points = spreads.map((spread) => spread.reduce((sum, count, i) => sum + count * (places - i), 0));
  return spreads.map((spread, i) => {
    const people = spread.reduce((a, b) => a + b, 0);
    const mean = spread.reduce((sum, count, at) => sum + count * (at + 1), 0) / people;
    const rank = Math.max(...points) ? 1 + points.filter((other) => other > points[i]).length : "–";
    return `${rank} ${points[i]} point${points[i] === 1 ? "" : "s"} mean ${people ? tenths.format(mean) : "–"}`;
  });
}
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1, useGrouping: false });
/** Waits until every option of the page shows these counts; `spreads` is in the organiser's order. */
const stands = (page, spreads) =>
  page.waitForFunction((wanted) => {
    const shown = [...document.querySelectorAll("fieldset li")]
      .sort((a, b) => a.dataset.key - b.dataset.key)
      .map((one) => [...one.querySelectorAll(".score > *")].map((part) => part.textContent).join(" "));
    return shown.join("; ").replace(/[\u2068\u2069,]/g, "") === wanted;
  }, figures(spreads).join("; "));
const spreadsOf = (poll) => poll.options.map(({ spread }) => spread);

const HAND_AND_KEYS =
  "one by dragging, one by keyboard, while strangers rank: points move, nothing that is in order does, and every " +
  "place counts once";
test(HAND_AND_KEYS, async () => {
  const poll = await server.ranking("What to drink?", OPTIONS);
  const hand = await at(poll, { expected: /net::ERR_|WebSocket/ }),
    keys = await at(poll);
  await live(hand.page);
  await live(keys.page);
  const ORDERS = [[1, 2, 3], [2], [3, 1], [2, 3, 1]];
  const crowd = server.crowd(poll, { perSecond: 10, choose: (one) => ORDERS[one % ORDERS.length] });
  await drag(hand.page, "Juice", "Tea");
  await reads(hand.page, "1Juice", "Tea", "Coffee");
  await drag(hand.page, "Coffee", "Tea");
  await reads(hand.page, "1Juice", "2Coffee", "Tea");
  await told(hand.page, /2.* of .*3.* places given/);

  // Space gives a place, the arrow keys move it, and Tab leads on to the buttons and the next option.
  await pick(keys.page, "Tea").focus();
  await keys.page.keyboard.press("Space");
  await pick(keys.page, "Coffee").focus();
  await keys.page.keyboard.press("Enter");
  await reads(keys.page, "1Tea", "2Coffee", "Juice");
  await keys.page.keyboard.press("ArrowUp");
  await reads(keys.page, "1Coffee", "2Tea", "Juice");
  const counted = (people) =>
    keys.page.waitForFunction(
      (least) => Number(document.querySelector("main .line .cut").textContent.replace(/\D/g, "")) >= least,
      people,
    );
  await counted(8);
  assert.ok(await pick(keys.page, "Coffee").evaluate((node) => node === document.activeElement), "the focus went away");
  assert.equal(
    (await keys.page.locator("fieldset [aria-live]").textContent()).replace(/[\u2068\u2069]/g, ""),
    "Coffee: place 1 of 3",
  );
  for (const name of [/^One place up: /, /^One place down: /]) {
    await keys.page.keyboard.press("Tab");
    assert.match(await keys.page.evaluate(() => document.activeElement.getAttribute("aria-label")), name);
  }
  await keys.page.keyboard.press("Space");
  await reads(keys.page, "1Tea", "2Coffee", "Juice");
  await press(keys.page, "Send my ranking");
  await told(keys.page, "Counted");

  // A broken line, or a close that is taken back, takes no place.
  server.line.cut();
  await counted(crowd.voters + 4);
  await live(hand.page);
  assert.deepEqual(await paper(hand.page), ["1Juice", "2Coffee", "Tea"]);
  const first = await crowd.leave();
  await server.act(poll, "close");
  await told(hand.page, "This poll is closed");
  await server.act(poll, "reopen");
  await told(hand.page, /2.* of .*3.* places given/);
  await reads(hand.page, "1Juice", "2Coffee", "Tea");
  await nudge(hand.page, "Coffee", "up").tap();
  await reads(hand.page, "1Coffee", "2Juice", "Tea");
  await press(hand.page, "Send my ranking");
  await told(hand.page, "Counted");

  await server.act(poll, "close");
  await hand.page.getByText("Final result", { exact: true }).waitFor();
  assert.equal(crowd.unknown + crowd.refused, 0);
  const wanted = first.votes.map((spread, i) =>
    spread.map((count, place) => count + ([1, 2][place] === i + 1 ? 1 : 0) + ([2, 3][place] === i + 1 ? 1 : 0)),
  );
  const now = await server.counted(poll, first.voters + 2);
  assert.deepEqual([spreadsOf(now), now.totalVoters], [wanted, first.voters + 2]);
  for (const { page } of [hand, keys]) await stands(page, wanted);
  assert.equal(await hand.page.locator("fieldset .pick:enabled").count(), 0);
  assert.ok(await hand.page.locator("#how").isHidden(), "a closed paper still asks for an order");

  await press(hand.page, "Receipt");
  const receipt = hand.page.getByRole("dialog", { name: "Receipt for your vote" });
  const sent = await receipt.locator("dd").first().textContent();
  assert.equal(sent.replace(/[\u2068\u2069]/g, ""), "1. Coffee\n2. Juice");
  await hand.page.keyboard.press("Escape");
  await hand.page.getByText("Results as a table").tap();
  await hand.page
    .getByText(wanted[0].map((count, i) => `${i + 1}. × ${count}`).join(""), { exact: true })
    .first()
    .waitFor();
  await hand.leave({ moved: true });
  await keys.leave({ moved: true });
});

test("with fewer places than options the rest waits; what is dragged in pushes the last one out", async () => {
  const poll = await server.ranking("Your two?", ["Tea", "Coffee", "Juice", "Water"], { places: 2 });
  // Nothing lies over the rows here.
  const { page, leave } = await at(poll, { size: { width: 390, height: 920 } });
  await page.getByText(/You can give .*2.* places/).waitFor();
  await tap(page, "Water", "Juice");
  await reads(page, "1Water", "2Juice", "Tea", "Coffee");
  assert.equal(await page.locator("fieldset .pick[aria-disabled=true]").count(), 2);
  await drag(page, "Coffee", "Water");
  await reads(page, "1Coffee", "2Water", "Tea", "Juice");
  await drag(page, "Coffee", "Juice");
  await reads(page, "1Water", "Tea", "Coffee", "Juice");
  await drag(page, "Juice", "Coffee");
  await reads(page, "1Water", "2Juice", "Tea", "Coffee");
  await tap(page, "Juice");
  await row(page, "Tea").locator(".grip").tap();
  await reads(page, "1Water", "2Tea", "Coffee", "Juice");
  await press(page, "Send my ranking");
  await told(page, "Counted");
  await stands(page, [
    [0, 1],
    [0, 0],
    [0, 0],
    [1, 0],
  ]);
  await leave({ moved: true });
});

test("a changed mind counts once, and where none can be changed the first one stands", async () => {
  const poll = await server.ranking("And now?", OPTIONS),
    once = await server.ranking("Once?", OPTIONS, { revote: "refuse" });
  const { page, leave } = await at(poll),
    chair = await at(once);
  await tap(page, "Tea", "Coffee");
  await press(page, "Send my ranking");
  await told(page, "Counted");
  await nudge(page, "Tea", "down").tap();
  await reads(page, "1Coffee", "2Tea", "Juice");
  await press(page, "Change my ranking");
  const wanted = [
    [0, 1, 0],
    [1, 0, 0],
    [0, 0, 0],
  ];
  await stands(page, wanted);
  assert.deepEqual(spreadsOf(await server.read(poll)), wanted);
  await leave({ moved: true });

  await tap(chair.page, "Juice");
  await chair.page.getByText(/can(’|')t change/).waitFor();
  await press(chair.page, "Send my ranking");
  await told(chair.page, "Counted");
  assert.equal(await chair.page.locator("fieldset .pick:enabled").count(), 0);
  await chair.leave({ moved: true });
});

test("an order given offline waits on the phone, also through a reload", async () => {
  const poll = await server.ranking("In a tunnel?", OPTIONS);
  const { page, context, leave } = await at(poll, { expected: /net::ERR_|WebSocket connection to|status of 50[0-9]/ });
  await live(page);
  await context.setOffline(true);
  await tap(page, "Coffee");
  await press(page, "Send my ranking");
  await told(page, "Saved on this phone");
  await context.setOffline(false);
  await told(page, "Counted");
  await page.route("**/vote?wait=counted", (route) => route.abort());
  await tap(page, "Tea");
  await nudge(page, "Tea", "up").tap();
  await press(page, "Change my ranking");
  await told(page, "Not through yet");
  await page.unroute("**/vote?wait=counted");
  await page.reload();
  await told(page, "Counted");
  await stands(page, [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 0],
  ]);
  await reads(page, "1Tea", "2Coffee", "Juice");
  await leave({ moved: true });
});

test("hidden results reach nobody before the reveal, and then move nothing", async () => {
  // With seven options the page's foot, which makes room for the table, is out of sight.
  const more = ["Water", "Milk", "Cocoa", "Lemonade"];
  const poll = await server.ranking("In secret?", [...OPTIONS, ...more], { results: "hidden", places: 3 });
  await server.answered(poll, [[1, 2, 3], [2]]);
  const { page, leave } = await person(browser, { size: SMALL });
  const heardNone = overhear(page);
  await page.goto(`${server.url}/p/${poll.code}`);
  await tap(page, "Tea");
  await press(page, "Send my ranking");
  await told(page, "Counted");
  await page.getByText("3 have voted; results come later").waitFor();
  await heardNone(/"(votes|points|first|mean|spread|totalVotes)":[\d[]/);
  const place = () => page.locator("fieldset li").evaluateAll((all) => all.map((one) => one.offsetTop));
  const before = await place();
  await server.act(poll, "reveal");
  await stands(page, [
    [2, 0, 0],
    [1, 1, 0],
    [0, 0, 1],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]);
  assert.deepEqual(await place(), before);
  await leave();
});

test("results after the vote come with the vote", async () => {
  const poll = await server.ranking("And the others?", ["This", "That"], { results: "afterVote" });
  await server.answered(poll, [[2], [1, 2]]);
  const { page, leave } = await at(poll, { size: { width: 390, height: 920 } });
  await page.getByText("2 have voted; results once you do").waitFor();
  await tap(page, "This");
  await press(page, "Send my ranking");
  await stands(page, [
    [2, 0],
    [1, 1],
  ]);
  await leave();
});

test("many rows: one that is held near the edge scrolls the page, and lands where it is let go", async () => {
  const many = Array.from({ length: 20 }, (_, i) => `Option ${i + 1}`);
  const poll = await server.ranking("Of twenty?", many);
  const { page, leave } = await at(poll, { size: SMALL });
  await row(page, "Option 12").scrollIntoViewIfNeeded();
  const { x, y } = await row(page, "Option 12").locator(".grip").boundingBox();
  await page.mouse.move(x + 20, y + 30);
  await page.mouse.down();
  await page.mouse.move(x + 20, y + 10, { steps: 4 });
  await page.mouse.move(x + 20, 5, { steps: 4 });
  await page.waitForFunction(() => scrollY === 0);
  await page.mouse.up();
  await reads(page, "1Option 12", ...many.filter((one) => one !== "Option 12"));
  await leave({ moved: true });
});

test("where motion is not wanted, rows are where they belong at once", async () => {
  const poll = await server.ranking("Calmly?", OPTIONS);
  const { page, leave } = await at(poll, { reducedMotion: "reduce" });
  await pick(page, "Juice").tap();
  const moving = await page.evaluate(() =>
    document.getAnimations().filter(({ effect }) => effect.target.matches("fieldset *")),
  );
  assert.deepEqual(moving, []);
  assert.deepEqual(await paper(page), ["1Juice", "Tea", "Coffee"]);
  await leave({ moved: true });
});

const LONG = "An option of many words, among them Donaudampfschifffahrtsgesellschaftskapitänsmütze, that goes on";
const NARROW = "at 320 px nothing sticks out, everything can be hit, also at twice the size; accessible in both themes";
test(NARROW, async () => {
  const poll = await server.ranking("بأي ترتيب؟", [LONG, "الشاي أولا", "Tea"], { places: 2 });
  await server.answered(poll, [[1, 2], [2]]);
  for (const theme of ["light", "dark"]) {
    const { page, leave } = await at(poll, { size: SMALL, theme });
    const targets = "fieldset :is(.pick, .grip, .nudge:not([hidden]))";
    await tap(page, LONG, "Tea");
    await fits(page, targets);
    await accessible(page);
    await enlarge(page);
    await fits(page, targets);
    await leave({ moved: true });
  }
});

test("German, Spanish and Hindi: words, plurals and numbers", async () => {
  const poll = await server.ranking("Was zuerst?", ["Tee", "Kaffee"]);
  await server.answered(poll, [[1, 2], [2, 1], [1]]);
  for (const [locale, figure, place] of [
    ["de", "1 5 Punkte Ø 1,3", "Platz 1 von 2"],
    ["es", "1 5 puntos media 1,3", "puesto 1 de 2"],
    ["hi", "1 5 अंक औसत 1.3", "2 में से स्थान 1"],
  ]) {
    const { page, leave } = await at(poll, { locale });
    await page.waitForFunction(() => document.querySelector(".score strong").textContent !== "");
    const shown = await row(page, "Tee")
      .locator(".score > *")
      .evaluateAll((all) => all.map((one) => one.textContent).join(" "));
    assert.equal(shown.replace(/[\u2068\u2069]/g, ""), figure);
    await tap(page, "Kaffee");
    assert.equal(await row(page, "Kaffee").locator("[id^=place]").textContent(), place);
    await leave({ moved: true });
  }
});

test("an organiser writes a ranking, shows it, shows it again, and takes the numbers away", async () => {
  const { page, leave } = await person(browser, { size: { width: 1100, height: 900 } });
  await page.goto(`${server.url}/studio/new`);
  await page.getByLabel("Question", { exact: true }).fill("What to drink?");
  await page.getByLabel("Option A", { exact: true }).fill("Tea");
  await page.getByText("an order", { exact: true }).click();
  assert.equal(await page.getByLabel("Option A", { exact: true }).inputValue(), "Tea", "what was written stays");
  await page.getByLabel("Option B", { exact: true }).fill("Coffee");
  await page.getByLabel("Option C", { exact: true }).fill("Juice");
  await page.getByLabel("Each person gives").fill("2");
  await page.getByLabel("Results are shown").selectOption({ index: 2 });
  await accessible(page);
  await page.getByRole("button", { name: "Open now" }).click();
  await page.getByRole("heading", { name: "What to drink?" }).waitFor();
  const id = page.url().split("/").pop();
  const token = await page.evaluate((of) => JSON.parse(localStorage.getItem(`pollux.token.${of}`)), id);
  const poll = await server.read({ id }, token);
  assert.deepEqual(
    [poll.kind, poll.places, poll.results, poll.options.map(({ text }) => text)],
    ["ranking", 2, "hidden", ["Tea", "Coffee", "Juice"]],
  );
  await page.getByText("2 of 3", { exact: true }).waitFor();
  await server.answered(poll, [[2, 1], [2], [3, 1]]);
  await page.getByRole("row", { name: /1\s+Coffee\s+4\s+1\.0\s+2/ }).waitFor();
  await page.getByText("Each place").click();
  await page.getByRole("row", { name: /Tea 0\s*0% 2\s*100%/ }).waitFor();
  await accessible(page);

  const stage = await stageIn(browser);
  await openOn(stage.page, server, `/present/${id}#token=${token}`);
  await rowOn(stage.page, "Tea").waitFor();
  assert.doesNotMatch(await rowsOn(stage.page).first().innerText(), /mean/);
  await turnoutStandsFree(stage.page, 3);
  await stage.page.keyboard.press("Space");
  await rowOn(stage.page, "Coffee").getByText("mean 1.0", { exact: true }).waitFor();
  await rowOn(stage.page, "Coffee").getByText("2 first", { exact: true }).waitFor();
  await reaches(stage.page, "Coffee", 4 / 6);
  await total(stage.page, "3 people have ranked");
  await stage.page.waitForFunction(
    () => document.querySelector("ol[aria-label=Results] .text").textContent === "Coffee",
  );
  assert.deepEqual(await shownRows(stage.page), ["Coffee", "Tea", "Juice"]);
  const ranks = () => rowsOn(stage.page).locator(".rank").allTextContents();
  assert.deepEqual(await ranks(), ["1", "2", "2"]);
  await server.call("POST", `/api/polls/${id}/close`, { token });
  const outcome = stage.page.getByRole("group", { name: "Outcome" });
  await outcome.getByText("mean place 1.0 · first for 2 of 3").waitFor();
  await stage.page.locator("li.won", { hasText: "Coffee" }).waitFor();
  await stage.page.keyboard.press("p");
  await stage.page.locator("main.again").waitFor();
  await rowOn(stage.page, "Coffee").getByText("mean 1.0", { exact: true }).waitFor();
  await stage.leave({ moved: true });

  const overlay = await stageIn(browser);
  await overlay.page.goto(`${server.url}/overlay/${id}`);
  await rowOn(overlay.page, "Coffee").getByText("mean 1.0", { exact: true }).waitFor();
  await overlay.leave();

  const { results } = await server.call("GET", `/api/polls/${id}/export?format=json`, { token });
  assert.deepEqual(
    results.map(({ optionId, option, points, meanPlace, place, votes }) => [
      optionId,
      option,
      points,
      meanPlace,
      place,
      votes,
    ]),
    [
      [1, "Tea", 2, 2, 1, 0],
      [1, "Tea", 2, 2, 2, 2],
      [2, "Coffee", 4, 1, 1, 2],
      [2, "Coffee", 4, 1, 2, 0],
      [3, "Juice", 2, 1, 1, 1],
      [3, "Juice", 2, 1, 2, 0],
    ],
  );
  await leave({ moved: true });
});
