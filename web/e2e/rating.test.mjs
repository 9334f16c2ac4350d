// Tests rating on the voter's phone: by touch and by keyboard, in a room that goes on rating; on the smallest
// screen, without a connection, and with hidden results. Also a rating's way from the studio to the stage.

import assert from "node:assert/strict";
import { person, STAGE } from "./browser.mjs";
import { inHall, sampled, test } from "./harness.mjs";
import { SMALL, accessible, at as joined, enlarge, fits, live, overhear, press, told } from "./phone.mjs";
import { turnoutStandsFree } from "./turnout.mjs";

const { server, browser } = await inHall();

const STATEMENTS = ["The talks", "The room", "The food"];
const ENDS = { lowLabel: "Poor", highLabel: "Excellent" };
const at = (poll, rest) => joined(browser, server, poll, rest);
const group = (page, statement) => page.getByRole("group", { name: statement });
const step = (page, statement, value) =>
  group(page, statement).getByRole("radio", { name: new RegExp(`^${value} of `) });
const rate = (page, statement, value) => step(page, statement, value).tap();
/** Returns the marked step of each statement; null where nothing is marked. */
const marks = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("fieldset")].map(
      (one) => Number(one.querySelector("input:checked")?.value ?? NaN) || null,
    ),
  );
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
/** Returns what the page has to show for these counts of each step, from 1 on. */
const figures = (spread) => {
  const people = spread.reduce((a, b) => a + b, 0),
    sum = spread.reduce((all, count, i) => all + count * (i + 1), 0);
  return `${people ? tenths.format(sum / people) : "–"} ${people} rating${people === 1 ? "" : "s"}`;
};
/** Waits until every statement of the page shows these counts. */
const stands = (page, spreads) =>
  page.waitForFunction(
    (wanted) =>
      [...document.querySelectorAll("fieldset .figures > :last-child")]
        .map((one) => [...one.children].map((part) => part.textContent.replace(/[^\d.–a-z ]/g, "")).join(" "))
        .join("; ") === wanted,
    spreads.map(figures).join("; "),
  );
const spreadsOf = (poll) => poll.statements.map(({ spread }) => spread);

const TOUCH_AND_KEYS =
  "one by touch, one by keyboard, while strangers rate: means move, nothing that is marked does, and " +
  "every step counts once";
test(TOUCH_AND_KEYS, async () => {
  const poll = await server.rating("How was it?", STATEMENTS, ENDS);
  const touch = await at(poll, { expected: /net::ERR_|WebSocket/ }),
    keys = await at(poll);
  await live(touch.page);
  await live(keys.page);
  const crowd = server.crowd(poll, {
    perSecond: 10,
    choose: (one) => [(one % 5) + 1, one % 3 ? ((one + 2) % 5) + 1 : null, 4],
  });
  await rate(touch.page, "The talks", 4);
  await rate(touch.page, "The food", 1);
  await told(touch.page, /2.* of .*3.* rated/);

  // Arrow keys walk along the scale, Tab leads on, and Enter sends.
  await step(keys.page, "The talks", 1).focus();
  await keys.page.keyboard.press("ArrowRight");
  await keys.page.keyboard.press("ArrowRight");
  await keys.page.keyboard.press("Tab");
  assert.equal(await keys.page.evaluate(() => document.activeElement.textContent), "Clear");
  await keys.page.keyboard.press("Tab");
  await keys.page.keyboard.press("Space");
  assert.deepEqual(await marks(keys.page), [3, 1, null]);
  const counted = (people) =>
    keys.page.waitForFunction(
      (least) => Number(document.querySelector("main .line .cut").textContent.replace(/\D/g, "")) >= least,
      people,
    );
  await counted(8);
  assert.ok(
    await step(keys.page, "The room", 1).evaluate((node) => node === document.activeElement),
    "the focus went away",
  );
  await keys.page.keyboard.press("Enter");
  await told(keys.page, "Counted");

  // A broken line, or a close that is taken back, takes no mark.
  server.line.cut();
  await counted(crowd.voters + 4);
  await live(touch.page);
  assert.deepEqual(await marks(touch.page), [4, null, 1]);
  const first = await crowd.leave();
  await server.act(poll, "close");
  await told(touch.page, "This poll is closed");
  await server.act(poll, "reopen");
  await told(touch.page, /2.* of .*3.* rated/);
  assert.deepEqual(await marks(touch.page), [4, null, 1]);
  await rate(touch.page, "The food", 2);
  await group(touch.page, "The talks").getByRole("button", { name: /Clear/ }).tap();
  assert.deepEqual(await marks(touch.page), [null, null, 2]);
  await rate(touch.page, "The talks", 5);
  await touch.page.getByRole("button", { name: /Send .*2.* of .*3.* ratings/ }).tap();
  await told(touch.page, "Counted");

  await server.act(poll, "close");
  await touch.page.getByText("Final result", { exact: true }).waitFor();
  assert.equal(crowd.unknown + crowd.refused, 0);
  const wanted = first.votes.map((spread, i) =>
    spread.map((count, at) => count + ([3, 1, null][i] === at + 1 ? 1 : 0) + ([5, null, 2][i] === at + 1 ? 1 : 0)),
  );
  const now = await server.counted(poll, first.voters + 2);
  assert.deepEqual([spreadsOf(now), now.totalVoters], [wanted, first.voters + 2]);
  for (const { page } of [touch, keys]) await stands(page, wanted);
  assert.equal(await touch.page.locator("fieldset input:enabled").count(), 0);

  await press(touch.page, "Receipt");
  const receipt = touch.page.getByRole("dialog", { name: "Receipt for your vote" });
  assert.equal(
    (await receipt.locator("dd").first().textContent()).replace(/[\u2068\u2069]/g, ""),
    "The talks: 5\nThe food: 2",
  );
  await touch.page.keyboard.press("Escape");
  await touch.page.getByText("Results as a table").tap();
  const [talks] = wanted;
  await touch.page
    .getByRole("row", { name: new RegExp(`^The talks ${figures(talks).replace(/ ratings?/, "")}$`) })
    .waitFor();
  await touch.page.getByText(talks.map((count, i) => `${i + 1} × ${count}`).join(""), { exact: true }).waitFor();
  await touch.leave({ moved: true });
  await keys.leave();
});

test("a changed mind counts once, and where none can be changed the first one stands", async () => {
  const poll = await server.rating("And now?", STATEMENTS),
    once = await server.rating("Once?", ["All of it"], { revote: "refuse" });
  const { page, leave } = await at(poll),
    chair = await at(once);
  await rate(page, "The talks", 2);
  await rate(page, "The room", 3);
  await page.getByRole("button", { name: /Send .*2.* of/ }).tap();
  await told(page, "Counted");
  await group(page, "The talks").getByRole("button", { name: /Clear/ }).tap();
  await rate(page, "The food", 5);
  await press(page, "Change my ratings");
  const wanted = [
    [0, 0, 0, 0, 0],
    [0, 0, 1, 0, 0],
    [0, 0, 0, 0, 1],
  ];
  await stands(page, wanted);
  assert.deepEqual(spreadsOf(await server.read(poll)), wanted);
  await leave();

  await rate(chair.page, "All of it", 5);
  await chair.page.getByText(/can(’|')t change/).waitFor();
  await press(chair.page, "Send my rating");
  await told(chair.page, "Counted");
  assert.equal(await chair.page.locator("fieldset input:enabled").count(), 0);
  await chair.leave();
});

test("ratings given offline wait on the phone, also through a reload", async () => {
  const poll = await server.rating("In a tunnel?", STATEMENTS);
  const { page, context, leave } = await at(poll, { expected: /net::ERR_|WebSocket connection to|status of 50[0-9]/ });
  await live(page);
  await context.setOffline(true);
  await rate(page, "The room", 4);
  await page.getByRole("button", { name: /Send .*1.* of/ }).tap();
  await told(page, "Saved on this phone");
  await context.setOffline(false);
  await told(page, "Counted");
  await page.route("**/vote?wait=counted", (route) => route.abort());
  await rate(page, "The room", 5);
  await press(page, "Change my ratings");
  await told(page, "Not through yet");
  await page.unroute("**/vote?wait=counted");
  await page.reload();
  await told(page, "Counted");
  await stands(page, [
    [0, 0, 0, 0, 0],
    [0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0],
  ]);
  assert.deepEqual(await marks(page), [null, 5, null]);
  await leave();
});

test("hidden results reach nobody before the reveal, and then move nothing", async () => {
  const poll = await server.rating("In secret?", STATEMENTS, { ...ENDS, results: "hidden" });
  await server.answered(poll, [
    [5, 4, null],
    [3, 4, 1],
  ]);
  const { page, leave } = await person(browser, { size: SMALL });
  const heardNone = overhear(page);
  await page.goto(`${server.url}/p/${poll.code}`);
  await rate(page, "The talks", 5);
  await page.getByRole("button", { name: /Send .*1.* of/ }).tap();
  await told(page, "Counted");
  await page.getByText("3 have voted; results come later").waitFor();
  const shown = () => page.locator(".figures").evaluateAll((all) => all.map((one) => one.textContent.trim()).join(""));
  assert.equal(await shown(), "");
  await heardNone(/"(votes|mean|spread|totalVotes)":[\d[]/);
  const place = () => group(page, "The talks").boundingBox();
  const before = await place();
  await server.act(poll, "reveal");
  await stands(page, [
    [0, 0, 1, 0, 2],
    [0, 0, 0, 2, 0],
    [1, 0, 0, 0, 0],
  ]);
  assert.deepEqual(await place(), before);
  await leave();
});

test("results after the vote come with the vote", async () => {
  const poll = await server.rating("And the others?", ["This"], { results: "afterVote" });
  await server.answered(poll, [[5], [2]]);
  const { page, leave } = await at(poll);
  await page.getByText("2 have voted; results once you do").waitFor();
  await rate(page, "This", 5);
  await press(page, "Send my rating");
  await stands(page, [[0, 1, 0, 0, 2]]);
  await leave();
});

const LONG = "A statement of many words, among them Donaudampfschifffahrtsgesellschaftskapitänsmütze, that goes on";
const SCALES = [
  ["eleven steps", { steps: 11, lowLabel: "Not at all likely, whatever happens", highLabel: "مؤكد" }, 24],
  ["stars", { ...ENDS }, 44],
  ["two numbers", { steps: 2, symbol: "numbers" }, 44],
];
for (const [register, [name, scale, least]] of sampled(SCALES)) {
  const NARROW =
    `${name} at 320 px: nothing sticks out, every step can be hit, also at twice the size; accessible ` +
    "in both themes";
  register(NARROW, async () => {
    const poll = await server.rating("كيف كان اليوم؟", [LONG, "كيف كانت القاعة؟"], scale);
    await server.answered(poll, [
      [2, 1],
      [2, null],
    ]);
    for (const theme of ["light", "dark"]) {
      const { page, leave } = await at(poll, { size: SMALL, theme });
      await fits(page, "fieldset label", least);
      await step(page, LONG, 2).tap();
      await accessible(page);
      await enlarge(page);
      await fits(page, "fieldset label", least);
      await leave({ moved: true });
    }
  });
}

test("German, Spanish and Hindi: words, plurals and numbers", async () => {
  const poll = await server.rating("Wie war es?", ["Alles"], ENDS);
  await server.answered(poll, [[4], [5]]);
  for (const [locale, figure, clear] of [
    ["de", "4,5 2 Bewertungen", "Entfernen"],
    ["es", "4,5 2 valoraciones", "Quitar"],
    ["hi", "4.5 2 रेटिंग", "हटाएँ"],
  ]) {
    const { page, leave } = await at(poll, { locale });
    const shown = page.locator(".figures > :last-child");
    await page.waitForFunction(() => document.querySelector(".figures > :last-child").textContent !== "");
    const words = await shown.evaluate((one) => [...one.children].map((part) => part.textContent).join(" "));
    assert.equal(words.replace(/[\u2068\u2069]/g, ""), figure);
    await page.locator("fieldset input[value='3']").tap();
    await group(page, "Alles")
      .getByRole("button", { name: new RegExp(clear) })
      .waitFor();
    await leave();
  }
});

test("an organiser writes a rating, shows it, and shows it again", async () => {
  const { page, leave } = await person(browser, { size: { width: 1100, height: 900 } });
  await page.goto(`${server.url}/studio/new`);
  await page.getByLabel("Question", { exact: true }).fill("How was it?");
  await page.getByLabel("Option A", { exact: true }).fill("The room");
  await page.getByText("a rating for each").click();
  assert.equal(
    await page.getByLabel("Statement 1", { exact: true }).inputValue(),
    "The room",
    "what was written stays",
  );
  await page.getByLabel("Statement 2", { exact: true }).fill("The talks");
  await page.getByLabel("from").selectOption("1-4");
  await page.getByLabel("1 means").fill("poor");
  await page.getByLabel("4 means").fill("great");
  await page.getByLabel("Results are shown").selectOption({ index: 2 });
  await accessible(page);
  await page.getByRole("button", { name: "Open now" }).click();
  await page.getByRole("heading", { name: "How was it?" }).waitFor();
  const id = page.url().split("/").pop();
  const token = await page.evaluate((of) => JSON.parse(localStorage.getItem(`pollux.token.${of}`)), id);
  const poll = await server.read({ id }, token);
  assert.deepEqual(
    [poll.kind, poll.steps, poll.lowLabel, poll.highLabel, poll.symbol, poll.results],
    ["rating", 4, "poor", "great", "stars", "hidden"],
  );
  await server.answered(poll, [
    [4, 1],
    [4, null],
    [1, 2],
  ]);
  await page.getByRole("row", { name: /The room.*3\.0.*3/ }).waitFor();
  await page.getByText("Each step").click();
  await page.getByRole("row", { name: /The room 1\s*33% 0\s*0% 0\s*0% 2\s*67%/ }).waitFor();
  await accessible(page);

  const stage = await person(browser, { size: STAGE });
  await stage.page.goto(`${server.url}/present/${id}#token=${token}`);
  await stage.page.locator("[data-link=live]").waitFor();
  const list = stage.page.getByRole("list", { name: "Results" });
  await list.getByText("The talks").waitFor();
  assert.doesNotMatch(await list.innerText(), /3\.0/);
  await turnoutStandsFree(stage.page, 3);
  await stage.page.keyboard.press("Space");
  await list.getByText("3.0", { exact: true }).waitFor();
  await list.getByText("1.5", { exact: true }).waitFor();
  await server.call("POST", `/api/polls/${id}/close`, { token });
  const outcome = stage.page.getByRole("group", { name: "Outcome" });
  await outcome.getByText("the highest mean, of 1 to 4").waitFor();
  await stage.page.keyboard.press("p");
  await stage.page.locator("main.again").waitFor();
  await list.getByText("3.0", { exact: true }).waitFor();
  await stage.leave({ moved: true });
  await leave({ moved: true });
});
