// Tests the studio's form: polls are written, kept unsaved, put in order, and printed.

import assert from "node:assert/strict";
import { inHall, test } from "./harness.mjs";
import { option, organiserIn, press, status, voters, written } from "./studio.mjs";

const { server, browser } = await inHall();

const organiser = (rest) => organiserIn(browser, rest);

test("the first visit: one thing to do, and a poll made by the form", async () => {
  const { page, leave } = await organiser();
  await page.goto(`${server.url}/studio`);
  await page.getByRole("link", { name: "Make your first poll" }).click();
  await page.getByLabel("Question").fill("Made by hand?");
  await option(page, "A").fill("Yes");
  await page.keyboard.press("Enter");
  await page.keyboard.type("By machine");
  await press(page, "Open now");
  await status(page, "open");
  const id = page.url().split("/").pop();
  const poll = await server.call("GET", `/api/polls/${id}`);
  assert.deepEqual([poll.question, ...poll.options.map(({ text }) => text)], ["Made by hand?", "Yes", "By machine"]);
  await server.votes(poll, 2, 3);
  await voters(page, 3);
  // After a reload the poll is listed again, and nothing is unsaved.
  await page.goto(`${server.url}/studio`);
  await page.getByRole("link", { name: /Made by hand/ }).waitFor();
  await page.goto(`${server.url}/studio/new`);
  assert.equal(await page.getByLabel("Question").inputValue(), "");
  await leave({ moved: true });
});

test("what is unsaved survives a reload; the server's words stand at their fields", async () => {
  const { page, leave } = await organiser({ expected: /status of 422/ });
  await page.goto(`${server.url}/studio/new`);
  await page.getByLabel("Question").fill("Kept?");
  await option(page, "A").fill("Same");
  await option(page, "C").fill(" Same ");
  await page.reload();
  await page.getByText("Here is what you had written before").waitFor();
  assert.deepEqual(await written(page), ["Same", "", " Same "]);
  await press(page, "Save as draft");
  // The row that was left empty is not counted.
  await page.getByText("is the same as option 1").waitFor();
  assert.equal(await option(page, "C").getAttribute("aria-invalid"), "true");
  await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Option C");
  await option(page, "C").fill("Other");
  await press(page, "Save as draft");
  await page.getByRole("heading", { name: "Draft" }).waitFor();
  await page.getByText("Saved", { exact: true }).waitFor();
  await leave({ moved: true });
});

test("a draft is edited, opened, and what somebody else saved is not lost", async () => {
  const poll = await server.poll("A draft?", ["Yes", "No"], { open: false });
  const { page, leave } = await organiser({ holding: [poll] });
  await page.goto(`${server.url}/studio/polls/${poll.id}`);
  await page.getByLabel("Question").fill("Ready?");
  await press(page, "Add an option");
  await page.keyboard.type("Nearly");
  await page.getByLabel("Results are shown").selectOption("hidden");
  await page.getByLabel("Until then everybody sees how many have voted").uncheck();
  await press(page, "Save draft");
  await page.getByText("Saved", { exact: true }).waitFor();
  let now = await server.read(poll, poll.ownerToken);
  assert.deepEqual(
    [now.status, now.question, now.options.length, now.results, now.turnout],
    ["draft", "Ready?", 3, "hidden", "hidden"],
  );
  await server.call("PATCH", `/api/polls/${poll.id}`, { token: poll.ownerToken, body: { question: "Elsewhere?" } });
  await page.reload();
  await page.waitForFunction(() => document.getElementById("question")?.value === "Elsewhere?");
  await press(page, "Save and open");
  await status(page, "open");
  now = await server.read(poll, poll.ownerToken);
  assert.deepEqual([now.status, now.question], ["open", "Elsewhere?"]);
  await page
    .getByRole("term")
    .filter({ hasText: "Turnout seen by" })
    .locator("xpath=following-sibling::dd")
    .getByText("only you")
    .waitFor();
  await leave({ moved: true });
});

test("coming back to an unsaved form undoes nothing a colleague saved; what both have changed is said", async () => {
  const poll = await server.poll("A draft of two?", ["Yes", "No"], { open: false });
  const event = await server.call("POST", "/api/events", { body: { title: "Of two" } });
  const patch = (path, body) => server.call("PATCH", `/api/${path}`, { token: body.token, body: body.with });
  const { page, leave } = await organiser({ holding: [poll, event] });
  const away = () => page.goto(`${server.url}/studio/access`);
  await page.goto(`${server.url}/studio/polls/${poll.id}`);
  await page.getByLabel("Question").fill("Mine?");
  await option(page, "A").fill("Yes, mine");
  await page.getByText("Kept on this device, not yet on the server").waitFor();
  await away();
  const theirs = { options: ["Yes", "No", "Maybe"], closesAfter: 60, results: "hidden" };
  await patch(`polls/${poll.id}`, { token: poll.ownerToken, with: theirs });
  await page.goto(`${server.url}/studio/polls/${poll.id}`);
  await page.getByText("Here is what you had written before").waitFor();
  await press(page, "Save draft");
  await page.getByText("Saved", { exact: true }).waitFor();
  let now = await server.read(poll, poll.ownerToken);
  assert.deepEqual(
    [now.question, now.options.map(({ text }) => text), now.closesAfter, now.results],
    ["Mine?", ["Yes, mine", "No", "Maybe"], 60, "hidden"],
  );
  // Both change the same field.
  await page.getByLabel("Question").fill("Mine again?");
  await patch(`polls/${poll.id}`, { token: poll.ownerToken, with: { question: "Theirs?" } });
  const notice = page.locator("[data-theirs]").filter({ hasText: "Somebody else changed this meanwhile: “Theirs?”" });
  await notice.waitFor();
  await notice.getByRole("button", { name: "Take theirs" }).click();
  await notice.waitFor({ state: "detached" });
  assert.equal(await page.getByLabel("Question").inputValue(), "Theirs?");

  await page.goto(`${server.url}/studio/events/${event.id}`);
  await page.getByLabel("Title").fill("Mine");
  await page.getByRole("button", { name: "Undo changes" }).waitFor();
  await away();
  // The crowd saves the list of sites that may embed it all the time.
  const looks = { layout: "columns", accent: "#0b5cad" };
  await patch(`events/${event.id}`, { token: event.ownerToken, with: looks });
  await page.goto(`${server.url}/studio/events/${event.id}`);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("heading", { name: "Mine", level: 1 }).waitFor();
  now = await server.call("GET", `/api/events/${event.id}`, { token: event.ownerToken });
  assert.deepEqual([now.title, now.layout, now.accent], ["Mine", "columns", "#0b5cad"]);
  await leave({ moved: true });
});

test("options are put in order by keyboard, spoken, and by dragging; many lines are pasted", async () => {
  const { page, leave } = await organiser();
  await page.goto(`${server.url}/studio/new`);
  await option(page, "A").focus();
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.setData("text", "Ant\nBee\r\n\nCat\nDog");
    document.activeElement.dispatchEvent(
      new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }),
    );
  });
  await page.waitForFunction(() => document.querySelectorAll("ol[aria-label=Options] li").length === 4);
  assert.deepEqual(await written(page), ["Ant", "Bee", "Cat", "Dog"]);
  await page.getByRole("button", { name: "Move Cat", exact: true }).focus();
  await page.keyboard.press("ArrowUp");
  await page.getByRole("status").getByText("Cat: now 2 of 4").waitFor();
  await page.keyboard.press("Home");
  assert.deepEqual(await written(page), ["Cat", "Ant", "Bee", "Dog"]);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Move Cat");

  const from = await page.getByRole("button", { name: "Move Cat", exact: true }).boundingBox();
  const to = await page.getByRole("button", { name: "Move Bee", exact: true }).boundingBox();
  await page.mouse.move(from.x + 10, from.y + 10);
  await page.mouse.down();
  await page.mouse.move(to.x + 10, to.y + 25, { steps: 8 });
  await page.mouse.up();
  assert.deepEqual(await written(page), ["Ant", "Bee", "Cat", "Dog"]);
  // Escape lets go of the row without moving it.
  await page.mouse.move(from.x + 10, from.y + 10);
  await page.mouse.down();
  await page.mouse.move(to.x + 10, to.y + 25, { steps: 4 });
  await page.keyboard.press("Escape");
  await page.mouse.up();
  assert.deepEqual(await written(page), ["Ant", "Bee", "Cat", "Dog"]);
  await leave({ moved: true });
});

test("options are dragged by a finger", async () => {
  const { page, context, leave } = await organiser({ size: { width: 390, height: 844 }, isMobile: true });
  await page.goto(`${server.url}/studio/new`);
  for (const [i, text] of ["Ant", "Bee", "Cat"].entries()) await option(page, "ABC"[i]).fill(text);
  const [from, to] = [
    await page.getByRole("button", { name: "Move Ant", exact: true }).boundingBox(),
    await page.getByRole("button", { name: "Move Cat", exact: true }).boundingBox(),
  ];
  const devtools = await context.newCDPSession(page);
  const touch = (type, y) =>
    devtools.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: type === "touchEnd" ? [] : [{ x: from.x + 12, y }],
    });
  const [start, end] = [from.y + 20, to.y + 30];
  await touch("touchStart", start);
  for (let step = 1; step <= 6; step++) await touch("touchMove", start + ((end - start) * step) / 6);
  await touch("touchEnd");
  await page.getByRole("status").getByText("Ant: now 3 of 3").waitFor();
  assert.deepEqual(await written(page), ["Bee", "Cat", "Ant"]);
  await leave({ moved: true });
});

test("the sheet to print is one page of A4, large or cut into eight", async () => {
  const poll = await server.poll(
    "A question long enough to need more than one line on the sheet that is put up at the door?",
    ["Yes", "No"],
  );
  const { page, leave } = await organiser({ holding: [poll] });
  await page.goto(`${server.url}/studio/polls/${poll.id}`);
  await page.getByRole("link", { name: "QR sheet" }).click();
  for (const [name, codes] of [
    ["one page", 1],
    ["eight cards", 8],
  ]) {
    await page.getByLabel(name).check();
    const drawn = page.getByRole("img", { name: /QR code to .*\/p\/\d{6}/ });
    await drawn.nth(codes - 1).waitFor();
    assert.equal(await drawn.count(), codes);
    const printed = (await page.pdf({ preferCSSPageSize: true })).toString("latin1");
    assert.equal(printed.match(/\/Type \/Page\b/g).length, 1);
    assert.match(printed, /\/MediaBox \[0 0 59[45]\S* 84[12]\S*\]/);
  }
  await leave({ moved: true });
});
