// Tests the voter's phone as different people have it: by keyboard, small, in four languages, read aloud, without
// storage, and over plain HTTP.

import assert from "node:assert/strict";
import { person, still } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import { accessible, at as joined, choice, counts, figures, live, press, SMALL, tap, told } from "./phone.mjs";

const { server, browser } = await inHall();

const at = (poll, rest) => joined(browser, server, poll, rest);

test("over plain HTTP at an address of the network, as in a classroom", async () => {
  const poll = await server.poll("From a phone?", ["Yes", "No"]);
  const { page, leave } = await at(poll, { host: `http://classroom.test:${server.port}` });
  assert.equal(await page.evaluate(() => window.isSecureContext), false);
  await tap(page, "Yes");
  await told(page, "Counted");
  await live(page);
  await press(page, "Receipt");
  await page.getByRole("dialog").getByRole("button", { name: "Copy" }).tap();
  await page.getByRole("button", { name: /Copied|Selected/ }).waitFor();
  await leave();
});

test("storage that throws costs the memory, not the vote", async () => {
  const poll = await server.poll("Without memory?", ["Yes", "No"]);
  const { page, context, leave } = await person(browser);
  await context.addInitScript(() => {
    for (const name of ["getItem", "setItem", "removeItem", "key"]) {
      Storage.prototype[name] = () => {
        throw new DOMException("full", "QuotaExceededError");
      };
    }
  });
  await page.goto(`${server.url}/p/${poll.code}`);
  await tap(page, "Yes");
  await told(page, "Counted");
  await tap(page, "No");
  await counts(page, "No", 1, 100);
  assert.deepEqual(figures(await server.read(poll)), [0, 1]);
  await leave();
});

test("by keyboard alone: arrows choose, Enter votes", async () => {
  const poll = await server.poll("Without a finger?", ["One", "Two", "Three"]);
  const { page, leave } = await at(poll);
  await choice(page, "One").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.ok(await choice(page, "Three").isChecked());
  assert.equal((await server.read(poll)).totalVoters, 0, "walking through the options votes for none");
  await page.getByRole("button", { name: "Vote" }).waitFor();
  await page.keyboard.press("Enter");
  await told(page, "Counted");
  assert.deepEqual(figures(await server.read(poll)), [0, 0, 1]);
  await leave();
});

test("German, Hindi and Spanish: words, plurals and numbers", async () => {
  const poll = await server.poll("Welche Sprache?", ["Eins", "Zwei"]);
  const { page, leave } = await at(poll, { locale: "de-AT", size: SMALL });
  assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
  await page.getByText("0 Stimmen", { exact: true }).waitFor();
  await tap(page, "Eins");
  await told(page, "Gezählt");
  await page.getByText("1 Stimme", { exact: true }).waitFor();
  await counts(page, "Eins", 1, 100);
  await page.getByRole("combobox", { name: "Sprache" }).selectOption("hi");
  await told(page, "गिना गया");
  await page.getByText("1 वोट", { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "hi");
  await page.reload();
  await told(page, "गिना गया");
  await page.getByRole("combobox", { name: "भाषा" }).selectOption("es");
  await page.getByText("1 voto", { exact: true }).waitFor();
  await leave({ moved: true });
});

test("at 320 px nothing sticks out, whatever people write, in both themes", async () => {
  const poll = await server.poll(
    `${"Donaudampfschifffahrt".repeat(12)}?`,
    ["مرحبا بالعالم", "🦀🦀🦀", "x".repeat(200), ...Array.from({ length: 97 }, (_, i) => `Option ${i}`)],
    { kind: "multiple", maxChoices: 5 },
  );
  for (const theme of ["light", "dark"]) {
    const { page, leave } = await at(poll, { size: SMALL, theme });
    await live(page);
    await still(page);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    const targets = await page
      .locator("label, button:visible, select, summary")
      .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height).filter((height) => height < 56));
    assert.deepEqual(targets, []);
    await accessible(page);
    await leave();
  }
});

test("every state is accessible, in both themes", async () => {
  const event = await server.call("POST", "/api/events", { body: { title: "A long day of talks", accent: "#7A1FA2" } });
  for (const theme of ["light", "dark"]) {
    const poll = await server.poll("How was it?", ["Good", "Better"]);
    const { page, leave } = await person(browser, { theme, size: SMALL, expected: /status of 404/ });
    await page.goto(server.url);
    await page.getByLabel("Enter the code").fill("999999");
    await press(page, "Join");
    await page.getByRole("alert").filter({ hasText: "No poll" }).waitFor();
    await accessible(page);
    await page.goto(`${server.url}/p/${event.code}`);
    await page.getByRole("heading", { name: /Waiting/ }).waitFor();
    await live(page);
    await accessible(page);
    await page.goto(`${server.url}/p/${poll.code}`);
    await tap(page, "Better");
    await told(page, "Counted");
    await page.getByText("Results as a table").tap();
    await page.getByRole("row", { name: /Better 1 100/ }).waitFor();
    await accessible(page);
    await press(page, "Receipt");
    await page.getByRole("dialog").getByText("Counted").waitFor();
    await accessible(page);
    await press(page, "Close");
    await server.act(poll, "close");
    await page.getByText("Final result", { exact: true }).waitFor();
    await accessible(page);
    await leave({ moved: true });
  }
});

test("what a screen reader finds", async () => {
  const poll = await server.poll("Read aloud?", ["Yes", "No"]);
  await server.votes(poll, 1, 1);
  const { page, leave } = await at(poll);
  await tap(page, "No");
  await told(page, "Counted");
  await counts(page, "No", 1, 50);
  assert.equal(
    await page.locator("main").ariaSnapshot(),
    `
- main:
  - paragraph:
    - strong: Open
    - timer
  - heading "Read aloud?" [level=1]
  - paragraph: 2 votes
  - group "Read aloud?":
    - radio "Yes"
    - text: Yes 1
    - strong: 50%
    - radio "No" [checked]
    - text: No 1
    - strong: 50%
  - button "Receipt"
  - status:
    - strong: Counted
    - paragraph: Another tap changes your vote until the poll closes.
  - group: Results as a table
`.trim(),
  );
  await leave();
});
