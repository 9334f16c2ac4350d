// Tests points on the voter's phone: by touch and by keyboard, in a room that goes on giving; on the smallest screen,
// without a connection, and with hidden results. Also a poll's way from the studio to the stage and into a file.

import assert from "node:assert/strict";
import { person } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import { SMALL, accessible, at as joined, enlarge, fits, live, overhear, press, thumb, told } from "./phone.mjs";
import { openOn, reaches, row, rows, shownRows, stageIn, total } from "./stage.mjs";
import { turnoutStandsFree } from "./turnout.mjs";

const { server, browser } = await inHall();

const OPTIONS = ["Pizza", "Curry", "Salad"];
const at = (poll, rest) => joined(browser, server, poll, rest);
const slider = (page, option) => page.getByRole("slider", { name: option, exact: true });
const number = (page, option) => page.getByRole("spinbutton", { name: option, exact: true });
const more = (page, option) => page.getByRole("button", { name: new RegExp(`^One point more: .*${option}`) });
const less = (page, option) => page.getByRole("button", { name: new RegExp(`^One point less: .*${option}`) });
/** Returns what each option is given; slider and number always say the same. */
const given = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("fieldset .gift")].map((one) => {
      const [a, b] = ["range", "number"].map((type) => Number(one.querySelector(`[type=${type}]`).value));
      return a === b ? a : `${a} and ${b}`;
    }),
  );
/** Waits until the page says that so many points are left. */
const left = (page, points, budget = 100) => told(page, new RegExp(`^Points left: ${points} of ${budget}$`));
/** Waits until every option of the page shows these points. */
const stands = (page, points) =>
  page.waitForFunction(
    (wanted) =>
      [...document.querySelectorAll("fieldset .hall .muted")]
        .map((one) => one.textContent.replace(/\D/g, ""))
        .join() === wanted,
    points.join(),
  );
const pointsOf = (poll) => poll.options.map(({ points }) => points);
const peopleOf = (poll) => poll.options.map(({ people }) => people);

const TOUCH_AND_KEYS =
  "one by touch, one by keyboard, while strangers give: sums move, nothing that is given does, and every " +
  "point counts once";
test(TOUCH_AND_KEYS, async () => {
  const poll = await server.points("What shall we eat?", OPTIONS);
  // What a close takes away below the paper is out of sight, so that it moves nothing that is seen.
  const touch = await at(poll, { expected: /net::ERR_|WebSocket/ }),
    keys = await at(poll, { size: { width: 390, height: 560 } });
  await live(touch.page);
  await live(keys.page);
  await left(touch.page, 100);
  const crowd = server.crowd(poll, { perSecond: 10, choose: (one) => [one % 7, 10 * (one % 3), 1] });
  // A finger is near what it means, and the buttons lead there.
  await touch.page.touchscreen.tap(...(await thumb(slider(touch.page, "Pizza"), 0.4)));
  await touch.page.waitForFunction(() => Number(document.querySelector("fieldset [type=range]").value) > 0);
  const [near] = await given(touch.page);
  assert.ok(near > 30 && near < 50, `${near} points`);
  for (let points = near; points < 40; points++) await more(touch.page, "Pizza").tap();
  for (let points = near; points > 40; points--) await less(touch.page, "Pizza").tap();
  await number(touch.page, "Salad").fill("25");
  assert.deepEqual(await given(touch.page), [40, 0, 25]);
  await left(touch.page, 35);

  // Arrow keys give one, Page Up and Page Down a tenth, Home and End nothing and all that is left.
  const { keyboard } = keys.page;
  await slider(keys.page, "Pizza").focus();
  for (const key of ["PageUp", "PageUp", "PageUp", "PageDown", "ArrowRight", "ArrowUp", "ArrowLeft"])
    await keyboard.press(key);
  assert.deepEqual(await given(keys.page), [21, 0, 0]);
  await keyboard.press("Tab");
  assert.ok(await number(keys.page, "Curry").evaluate((node) => node === document.activeElement));
  await keyboard.press("Tab");
  await keyboard.press("End");
  assert.deepEqual(await given(keys.page), [21, 79, 0]);
  await left(keys.page, 0);
  await keyboard.press("Home");
  await keyboard.press("PageUp");
  assert.deepEqual(await given(keys.page), [21, 10, 0]);
  const counted = (people) =>
    keys.page.waitForFunction(
      (least) => Number(document.querySelector("main .line .cut").textContent.replace(/\D/g, "")) >= least,
      people,
    );
  await counted(8);
  assert.ok(
    await slider(keys.page, "Curry").evaluate((node) => node === document.activeElement),
    "the focus went away",
  );
  for (let i = 0; i < 3; i++) await keyboard.press("Tab");
  assert.equal(await keys.page.evaluate(() => document.activeElement.textContent), "Send 31 of 100 points");
  await keyboard.press("Enter");
  await told(keys.page, "Counted");

  // A broken line, or a close that is taken back, takes no point.
  server.line.cut();
  await counted(crowd.voters + 4);
  await live(touch.page);
  assert.deepEqual(await given(touch.page), [40, 0, 25]);
  const first = await crowd.leave();
  await server.act(poll, "close");
  await told(touch.page, "This poll is closed");
  await server.act(poll, "reopen");
  await told(touch.page, "Not sent yet");
  assert.deepEqual(await given(touch.page), [40, 0, 25]);
  await press(touch.page, "Send 65 of 100 points");
  await told(touch.page, "Counted");

  await server.act(poll, "close");
  await touch.page.getByText("Final result", { exact: true }).waitFor();
  assert.equal(crowd.unknown + crowd.refused, 0);
  const wanted = first.votes.map((points, i) => points + [21, 10, 0][i] + [40, 0, 25][i]);
  const now = await server.counted(poll, first.voters + 2);
  assert.deepEqual([pointsOf(now), now.totalVoters], [wanted, first.voters + 2]);
  for (const { page } of [touch, keys]) await stands(page, wanted);
  assert.equal(await touch.page.locator("fieldset :is(input, button):enabled").count(), 0);
  for (const part of [".purse", ".acts"]) assert.ok(await touch.page.locator(part).isHidden(), `${part} still invites`);

  await press(touch.page, "Receipt");
  const receipt = touch.page.getByRole("dialog", { name: "Receipt for your vote" });
  assert.equal(
    (await receipt.locator("dd").first().textContent()).replace(/[\u2068\u2069]/g, ""),
    "Pizza: 40\nSalad: 25",
  );
  await touch.page.keyboard.press("Escape");
  await touch.page.getByText("Results as a table").tap();
  const [people] = peopleOf(now);
  await touch.page
    .getByRole("row", { name: new RegExp(`^A · Pizza [\\d.]+% ${wanted[0].toLocaleString("en")} ${people}$`) })
    .waitFor();
  await touch.leave({ moved: true });
  await keys.leave();
});

test("nobody gives more than is left, however it is tried; shared evenly each has the same", async () => {
  const poll = await server.points("What shall we eat?", OPTIONS);
  const { page, leave } = await at(poll, { size: { width: 390, height: 1_000 } });
  await live(page);
  await number(page, "Pizza").fill("70");
  // Whoever drags a thumb to the end of its rail finds it where the budget ends.
  await page.mouse.move(...(await thumb(slider(page, "Curry"), 0)));
  await page.mouse.down();
  await page.mouse.move(...(await thumb(slider(page, "Curry"), 0.2)));
  assert.ok((await given(page))[1] > 10);
  await page.mouse.move(...(await thumb(slider(page, "Curry"), 1)), { steps: 5 });
  assert.deepEqual(await given(page), [70, 30, 0]);
  await page.mouse.up();
  assert.deepEqual(await given(page), [70, 30, 0]);
  await left(page, 0);
  // What is no digit does not come to anything, and leaves what was typed as it is.
  await number(page, "Pizza").fill("");
  await number(page, "Pizza").pressSequentially("7.e-0");
  assert.deepEqual(await given(page), [70, 30, 0]);
  await number(page, "Salad").fill("5");
  // The button says that it does nothing now, and Playwright would wait until it did.
  await more(page, "Salad").tap({ force: true });
  await slider(page, "Salad").press("End");
  assert.deepEqual(await given(page), [70, 30, 0]);
  await less(page, "Curry").tap();
  await more(page, "Salad").tap();
  assert.deepEqual(await given(page), [70, 29, 1]);
  await press(page, "Share evenly");
  assert.deepEqual(await given(page), [33, 33, 33]);
  await left(page, 1);
  await press(page, "Clear");
  assert.deepEqual(await given(page), [0, 0, 0]);
  await left(page, 100);
  assert.ok(await page.getByRole("button", { name: "Send my points" }).isDisabled());
  await leave();
});

test("a thumb that lands on a slider and scrolls the page gives no points", async () => {
  const poll = await server.points(
    "What shall we eat?",
    Array.from({ length: 12 }, (_, i) => `Dish ${i + 1}`),
  );
  const { page, leave } = await at(poll);
  await live(page);
  const finger = await page.context().newCDPSession(page);
  const touch = (type, ...touchPoints) => finger.send("Input.dispatchTouchEvent", { type, touchPoints });
  await slider(page, "Dish 4").evaluate((node) => node.scrollIntoView({ block: "center" }));
  const [x, y] = await thumb(slider(page, "Dish 4"), 0.6);
  const from = await page.evaluate(() => {
    document.addEventListener("pointercancel", () => document.body.setAttribute("data-cancelled", ""));
    return scrollY;
  });
  await touch("touchStart", { x, y });
  for (let i = 1; i <= 10; i++) await touch("touchMove", { x, y: y - 12 * i });
  await page.locator("body[data-cancelled]").waitFor();
  await page.waitForFunction((before) => scrollY > before, from);
  await touch("touchEnd");
  assert.deepEqual(await given(page), Array(12).fill(0));
  await left(page, 100);
  await leave({ moved: true });
});

test("what is left stays in sight below a long paper, and covers no field that has the focus", async () => {
  const poll = await server.points(
    "What shall we eat?",
    Array.from({ length: 20 }, (_, i) => `Dish ${i + 1}`),
  );
  const { page, leave } = await at(poll);
  await live(page);
  const inSight = () =>
    page.locator(".purse").evaluate((node) => {
      const { top, bottom } = node.getBoundingClientRect();
      return top >= 0 && bottom <= innerHeight;
    });
  await number(page, "Dish 20").tap();
  await page.keyboard.type("9");
  await left(page, 91);
  assert.ok(await inSight(), "at the end");
  for (let i = 0; i < 12; i++) await page.keyboard.press("Shift+Tab");
  const covered = await page.evaluate(() => {
    const field = document.activeElement.getBoundingClientRect();
    return field.top < document.querySelector(".purse").getBoundingClientRect().bottom;
  });
  assert.ok(!covered && (await inSight()), "in the middle");
  await leave({ moved: true });
});

test("a changed mind counts once, and where none can be changed the first one stands", async () => {
  const poll = await server.points("And now?", OPTIONS),
    once = await server.points("Once?", ["Yes", "No"], { revote: "refuse", budget: 1 });
  const { page, leave } = await at(poll),
    chair = await at(once);
  await number(page, "Pizza").fill("60");
  await number(page, "Curry").fill("40");
  await press(page, "Send my points");
  await told(page, "Counted");
  await left(page, 0);
  await number(page, "Pizza").fill("0");
  await more(page, "Salad").tap();
  await press(page, "Change my points");
  await stands(page, [0, 40, 1]);
  const now = await server.read(poll);
  assert.deepEqual(
    [pointsOf(now), peopleOf(now)],
    [
      [0, 40, 1],
      [0, 1, 1],
    ],
  );
  await leave();

  assert.ok(await chair.page.getByRole("button", { name: "Share evenly" }).isDisabled(), "one point for two");
  // Enter leads from field to field, and sends nothing before the button is pressed.
  await number(chair.page, "Yes").fill("1");
  await chair.page.getByText(/can(’|')t change/).waitFor();
  await chair.page.keyboard.press("Enter");
  assert.ok(await number(chair.page, "No").evaluate((node) => node === document.activeElement));
  await slider(chair.page, "No").press("Enter");
  const send = chair.page.getByRole("button", { name: "Send my point" });
  assert.ok(await send.evaluate((node) => node === document.activeElement));
  await left(chair.page, 0, 1);
  assert.equal((await server.read(once)).totalVoters, 0);
  await send.tap();
  await told(chair.page, "Counted");
  assert.equal(await chair.page.locator("fieldset :is(input, button):enabled").count(), 0);
  assert.deepEqual(await given(chair.page), [1, 0]);
  await chair.leave();
});

test("points given offline wait on the phone, also through a reload", async () => {
  const poll = await server.points("In a tunnel?", OPTIONS);
  const { page, context, leave } = await at(poll, { expected: /net::ERR_|WebSocket connection to|status of 50[0-9]/ });
  await live(page);
  await context.setOffline(true);
  await number(page, "Curry").fill("40");
  await press(page, "Send 40 of 100 points");
  await told(page, "Saved on this phone");
  await context.setOffline(false);
  await told(page, "Counted");
  await page.route("**/vote?wait=counted", (route) => route.abort());
  await number(page, "Curry").fill("50");
  await press(page, "Change my points");
  await told(page, "Not through yet");
  await page.unroute("**/vote?wait=counted");
  await page.reload();
  await told(page, "Counted");
  await stands(page, [0, 50, 0]);
  assert.deepEqual(await given(page), [0, 50, 0]);
  await leave();
});

test("hidden results reach nobody before the reveal, and then move nothing", async () => {
  const poll = await server.points("In secret?", OPTIONS, { results: "hidden" });
  await server.answered(poll, [
    [50, 40, 0],
    [30, 0, 70],
  ]);
  const { page, leave } = await person(browser, { size: SMALL });
  const heardNone = overhear(page);
  await page.goto(`${server.url}/p/${poll.code}`);
  await more(page, "Pizza").tap();
  await press(page, "Send 1 of 100 points");
  await told(page, "Counted");
  await page.getByText("3 have voted; results come later").waitFor();
  const shown = () => page.locator(".hall").evaluateAll((all) => all.map((one) => one.textContent.trim()).join(""));
  assert.equal(await shown(), "");
  await heardNone(/"(points|people|totalVotes)":\d/);
  const place = () => page.locator(".gift").first().boundingBox();
  const before = await place();
  await server.act(poll, "reveal");
  await stands(page, [81, 40, 70]);
  assert.deepEqual(await place(), before);
  await leave();
});

test("results after the vote come with the vote", async () => {
  const poll = await server.points("And the others?", ["Yes", "No", "Perhaps", "Later", "Maybe"], {
    results: "afterVote",
  });
  await server.answered(poll, [
    [5, 0, 0, 0, 0],
    [2, 90, 0, 0, 0],
  ]);
  // With five options the page's foot, which makes room for the table, is out of sight.
  const { page, leave } = await at(poll);
  await page.getByText("2 have voted; results once you do").waitFor();
  await number(page, "No").fill("100");
  await press(page, "Send my points");
  await stands(page, [7, 190, 0, 0, 0]);
  await page.locator(".gift", { hasText: "No" }).getByText("96%", { exact: true }).waitFor();
  await leave();
});

const LONG = "An option of many words, among them Donaudampfschifffahrtsgesellschaftskapitänsmütze, that goes on";
test("at 320 px nothing sticks out, all can be hit, also at twice the size; accessible in both themes", async () => {
  const poll = await server.points("كيف نوزع الميزانية؟", [LONG, "كيف كانت القاعة؟", ...OPTIONS], { budget: 1_000 });
  await server.answered(poll, [
    [2, 1, 0, 0, 997],
    [1_000, 0, 0, 0, 0],
  ]);
  for (const theme of ["light", "dark"]) {
    const { page, leave } = await at(poll, { size: SMALL, theme });
    const targets = "fieldset :is(input, button)";
    /** How much the widest number is wider than its field. */
    const cut = () =>
      page
        .locator("fieldset [type=number]")
        .evaluateAll((all) => Math.max(...all.map((one) => one.scrollWidth - one.clientWidth)));
    await fits(page, targets);
    await slider(page, LONG).press("End");
    await left(page, 0, "1,000");
    assert.ok((await cut()) <= 0, "1000 does not fit into its field");
    await accessible(page);
    await enlarge(page);
    await fits(page, targets);
    await leave({ moved: true });
  }
});

test("German, Spanish and Hindi: words, plurals and numbers", async () => {
  const poll = await server.points("Wie verteilen?", ["Ja", "Nein"]);
  await server.answered(poll, [
    [40, 60],
    [2, 98],
  ]);
  for (const [locale, figure, rest, even] of [
    ["de", "42 Punkte 21 %", "Punkte übrig: 97 von 100", "Gleich verteilen"],
    ["es", "42 puntos 21 %", "Puntos restantes: 97 de 100", "Repartir por igual"],
    ["hi", "42 अंक 21%", "100 में से 97 अंक बाकी", "बराबर बाँटें"],
  ]) {
    const { page, leave } = await at(poll, { locale });
    const shown = page.locator(".gift").first().locator(".hall");
    await page.waitForFunction(() => document.querySelector(".hall").textContent.trim() !== "");
    assert.equal((await shown.textContent()).replace(/\s+/g, " ").trim(), figure);
    await number(page, "Ja").fill("3");
    await told(page, rest);
    await page.getByRole("button", { name: even, exact: true }).waitFor();
    await leave();
  }
});

test("an organiser writes a poll for points, shows it, shows it again, and takes the numbers away", async () => {
  const { page, leave } = await person(browser, { size: { width: 1100, height: 900 } });
  await page.goto(`${server.url}/studio/new`);
  await page.getByLabel("Question", { exact: true }).fill("What shall we eat?");
  await page.getByLabel("Option A", { exact: true }).fill("Pizza");
  await page.getByText("points for each").click();
  assert.equal(await page.getByLabel("Option A", { exact: true }).inputValue(), "Pizza", "what was written stays");
  await page.getByLabel("Option B", { exact: true }).fill("Curry");
  const budget = page.getByLabel("Each person has");
  assert.equal(await budget.inputValue(), "100");
  await budget.fill("10");
  await page.getByLabel("Results are shown").selectOption({ index: 2 });
  await accessible(page);
  await page.getByRole("button", { name: "Open now" }).click();
  await page.getByRole("heading", { name: "What shall we eat?" }).waitFor();
  const id = page.url().split("/").pop();
  const token = await page.evaluate((of) => JSON.parse(localStorage.getItem(`pollux.token.${of}`)), id);
  const poll = await server.read({ id }, token);
  assert.deepEqual(
    [poll.kind, poll.budget, poll.results, poll.options.map(({ text }) => text)],
    ["points", 10, "hidden", ["Pizza", "Curry"]],
  );
  await page.getByText("up to 10 from each person").waitFor();
  await server.answered(poll, [
    [4, 6],
    [0, 10],
    [3, 0],
  ]);
  await page.getByRole("row", { name: /Pizza\s+30%\s+7 points\s+2 people/ }).waitFor();
  await page.getByRole("row", { name: /Curry\s+70%\s+16 points\s+2 people/ }).waitFor();
  await accessible(page);

  const stage = await stageIn(browser);
  await openOn(stage.page, server, `/present/${id}#token=${token}`);
  await row(stage.page, "Pizza").waitFor();
  assert.doesNotMatch(await rows(stage.page).first().innerText(), /%/);
  await turnoutStandsFree(stage.page, 3);
  await stage.page.keyboard.press("Space");
  await row(stage.page, "Curry").getByText("70%", { exact: true }).waitFor();
  await row(stage.page, "Curry").getByText("16", { exact: true }).waitFor();
  await reaches(stage.page, "Curry", 16 / 23);
  await total(stage.page, "23 points from 3 people");
  await stage.page.waitForFunction(
    () => document.querySelector("ol[aria-label=Results] .text").textContent === "Curry",
  );
  assert.deepEqual(await shownRows(stage.page), ["Curry", "Pizza"]);
  await server.call("POST", `/api/polls/${id}/close`, { token });
  const outcome = stage.page.getByRole("group", { name: "Outcome" });
  await outcome.getByText("16 of 23 points").waitFor();
  await outcome.getByText("70%", { exact: true }).waitFor();
  await stage.page.locator("li.won", { hasText: "Curry" }).waitFor();
  await stage.page.keyboard.press("p");
  await stage.page.locator("main.again").waitFor();
  await row(stage.page, "Curry").getByText("70%", { exact: true }).waitFor();
  await stage.leave({ moved: true });

  for (const layout of ["bars", "columns"]) {
    const overlay = await stageIn(browser);
    await overlay.page.goto(`${server.url}/overlay/${id}?layout=${layout}`);
    await row(overlay.page, "Curry").getByText("70%", { exact: true }).waitFor();
    await row(overlay.page, "Pizza").getByText("7", { exact: true }).waitFor();
    await total(overlay.page, "23 points from 3 people");
    await overlay.leave();
  }

  const { results } = await server.call("GET", `/api/polls/${id}/export?format=json`, { token });
  assert.deepEqual(
    results.map(({ optionId, option, points, votes, share }) => [optionId, option, points, votes, share.toFixed(4)]),
    [
      [1, "Pizza", 7, 2, (7 / 23).toFixed(4)],
      [2, "Curry", 16, 2, (16 / 23).toFixed(4)],
    ],
  );
  await leave({ moved: true });
});
