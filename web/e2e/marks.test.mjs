// Tests that nothing takes what a person has begun and not sent: no other person's vote, no silence and no
// broken line.

import assert from "node:assert/strict";
import { person, STAGE } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import { at as joined, box, choice, figures, live, press, stands, tap, told } from "./phone.mjs";
import { Pollux } from "./pollux.mjs";

const { server, browser } = await inHall();

const at = (poll, rest) => joined(browser, server, poll, rest);
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const days = (rest) => server.poll("Which days?", DAYS, { kind: "multiple", maxChoices: 3, ...rest });
/** Waits until the page has shown this many more people than it does now. */
async function more(page, people) {
  const seen = () =>
    page.evaluate(() => Number(document.querySelector("main .line .cut").textContent.replace(/\D/g, "")));
  const now = await seen();
  await page.waitForFunction(
    (least) => Number(document.querySelector("main .line .cut").textContent.replace(/\D/g, "")) >= least,
    now + people,
  );
}
async function marked(page, ...options) {
  const is = [];
  for (const option of DAYS) if (await box(page, option).isChecked()) is.push(option);
  assert.deepEqual(is, options);
}
/** Asserts that the server has, and the page shows, the crowd's account plus one more person's marks. */
async function exact(page, crowd, poll, mine) {
  const { votes, voters } = await crowd.leave();
  assert.equal(crowd.unknown + crowd.refused, 0);
  const wanted = votes.map((count, i) => count + (mine.includes(i + 1) ? 1 : 0));
  const now = await server.counted(poll, voters + 1);
  assert.deepEqual([...figures(now), now.totalVoters], [...wanted, voters + 1]);
  await stands(page, wanted);
}

test("marks outlive five votes of others, a broken line, a close that is taken back, and are then sent", async () => {
  const poll = await days();
  const { page, leave } = await at(poll, { expected: /net::ERR_|WebSocket/ });
  await live(page);
  const crowd = server.crowd(poll);
  await tap(page, "Tue");
  await tap(page, "Fri");
  await more(page, 5);
  await marked(page, "Tue", "Fri");
  server.line.cut();
  await more(page, 5);
  await live(page);
  await marked(page, "Tue", "Fri");
  // Voters of the crowd who come while the poll is closed are told so.
  const first = await crowd.leave();
  await server.act(poll, "close");
  await told(page, "This poll is closed");
  await server.act(poll, "reopen");
  await told(page, /more may be chosen/);
  await marked(page, "Tue", "Fri");
  const second = server.crowd(poll);
  await more(page, 3);
  await press(page, "Vote");
  await told(page, "Counted");
  const { votes, voters } = await second.leave();
  assert.equal(second.unknown + second.refused, 0);
  const wanted = votes.map((count, i) => count + first.votes[i] + ([1, 4].includes(i) ? 1 : 0));
  const now = await server.counted(poll, first.voters + voters + 1);
  assert.deepEqual([...figures(now), now.totalVoters], [...wanted, first.voters + voters + 1]);
  await stands(page, wanted);
  await leave();
});

/**
 * Sends a vote to a poll whose close the page has not heard of. Then the page is told of the close, and of
 * the reopening.
 */
async function overtaken(page, poll, send) {
  server.line.order(/^GET/, "dropped", 1e9);
  server.line.cut();
  await server.act(poll, "close");
  await press(page, send);
  await told(page, "Too late to be counted");
  server.line.forget();
  await page.getByText("Final result").first().waitFor();
  await told(page, "Too late to be counted");
  await server.act(poll, "reopen");
}

test("marks that the close overtook are marked again when it is taken back, and count once they are sent", async () => {
  const poll = await days();
  const { page, leave } = await at(poll, { expected: /net::ERR_|WebSocket|Failed to load resource/ });
  await live(page);
  await tap(page, "Tue");
  await tap(page, "Fri");
  await overtaken(page, poll, "Vote");
  await told(page, /more may be chosen/);
  await marked(page, "Tue", "Fri");
  const crowd = server.crowd(poll);
  await more(page, 3);
  await marked(page, "Tue", "Fri");
  await press(page, "Vote");
  await told(page, "Counted");
  await exact(page, crowd, poll, [2, 5]);
  await leave();
});

test("so is a rating", async () => {
  const poll = await server.rating("How was it?", ["The talks", "The food"]);
  const { page, leave } = await at(poll, { expected: /net::ERR_|WebSocket|Failed to load resource/ });
  await live(page);
  const steps = () => page.locator("fieldset input:checked").evaluateAll((all) => all.map(({ value }) => value));
  await page.locator("fieldset").nth(0).locator("label").nth(3).tap();
  await page.locator("fieldset").nth(1).locator("label").nth(1).tap();
  const sent = await steps();
  await overtaken(page, poll, "Send my ratings");
  await page.locator("fieldset input:checked").nth(1).waitFor({ state: "attached" });
  assert.deepEqual(await steps(), sent);
  assert.equal(
    server.line.heard(new RegExp(`^POST /api/polls/${poll.id}/vote`)).length,
    1,
    "it was sent without a tap",
  );
  await press(page, "Send my ratings");
  await told(page, "Counted");
  await leave();
});

test("so is a ranking", async () => {
  const poll = await server.ranking("Which first?", ["The talks", "The food"]);
  const { page, leave } = await at(poll, { expected: /net::ERR_|WebSocket|Failed to load resource/ });
  await live(page);
  const order = () => page.locator("fieldset .placed [id^=text]").allTextContents();
  await page.getByRole("button", { name: /^The food/ }).tap();
  await overtaken(page, poll, "Send my ranking");
  await page.locator("fieldset .placed .pick:enabled").waitFor();
  assert.deepEqual(await order(), ["The food"]);
  await press(page, "Send my ranking");
  await told(page, "Counted");
  await leave({ moved: true });
});

test("so are points", async () => {
  const poll = await server.points("What to eat?", ["Pizza", "Curry"], { budget: 5 });
  const { page, leave } = await at(poll, { expected: /net::ERR_|WebSocket|Failed to load resource/ });
  await live(page);
  const points = () => page.locator("fieldset input[type=range]").evaluateAll((all) => all.map(({ value }) => value));
  await page.getByRole("button", { name: "Share evenly" }).tap();
  await page.getByRole("button", { name: /more: .*Curry/ }).tap();
  assert.deepEqual(await points(), ["2", "3"]);
  await overtaken(page, poll, "Send my points");
  await page.waitForFunction(() => document.querySelector("fieldset input[type=range]:enabled")?.value === "2");
  assert.deepEqual(await points(), ["2", "3"]);
  await press(page, "Send my points");
  await told(page, "Counted");
  await leave();
});

test("so is a number", async () => {
  const poll = await server.number("How many?");
  const { page, leave } = await at(poll, { expected: /net::ERR_|WebSocket|Failed to load resource/ });
  await live(page);
  await page.getByRole("spinbutton").fill("42");
  await overtaken(page, poll, /^Send .*42/);
  await page.waitForFunction(() => document.querySelector("fieldset [role=spinbutton]:enabled")?.value === "42");
  await press(page, /^Send .*42/);
  await told(page, "Counted");
  await leave({ moved: true });
});

test("a changed mind is marked in the same room, and counts once", async () => {
  const poll = await days();
  const { page, leave } = await at(poll);
  const crowd = server.crowd(poll);
  await tap(page, "Mon");
  await more(page, 2);
  await press(page, "Vote");
  await told(page, "Counted");
  await tap(page, "Mon");
  await tap(page, "Sat");
  await more(page, 5);
  await marked(page, "Sat");
  await press(page, "Change my vote");
  await told(page, "Counted");
  await exact(page, crowd, poll, [6]);
  await leave();
});

test("marks outlive silence, when the page asks whether anybody is still there", async (t) => {
  const quiet = await Pollux.start({ alone: true });
  t.after(() => quiet.stop());
  // This test is about the answer to the page's question.
  quiet.line.honest = true;
  const poll = await quiet.poll("Which days?", DAYS, { kind: "multiple", maxChoices: 3 });
  await quiet.votes(poll, 1, 1);
  const { page, leave } = await person(browser);
  await page.clock.install();
  await page.goto(`${quiet.url}/p/${poll.code}`);
  await live(page);
  await tap(page, "Tue");
  await tap(page, "Thu");
  const asked = page.waitForResponse(/api\/polls\//);
  await page.clock.fastForward(31_000);
  await (await asked).finished();
  await page.clock.runFor(500);
  await marked(page, "Tue", "Thu");
  await quiet.votes(poll, 2, 1, "later");
  await page.getByText("2 people have voted", { exact: true }).waitFor();
  await marked(page, "Tue", "Thu");
  await leave();
});

test("a mark set by keyboard waits for Enter, however many vote meanwhile", async () => {
  const poll = await server.poll("Without a finger?", ["One", "Two", "Three"]);
  const { page, leave } = await at(poll);
  await live(page);
  const crowd = server.crowd(poll);
  await choice(page, "One").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await more(page, 5);
  assert.ok(await choice(page, "Three").isChecked());
  await page.keyboard.press("Enter");
  await told(page, "Counted");
  await exact(page, crowd, poll, [3]);
  await leave();
});

test("marks go with a new round, and with the voter's own hand", async () => {
  const poll = await days();
  const { page, leave } = await at(poll);
  await tap(page, "Tue");
  await tap(page, "Wed");
  await tap(page, "Tue");
  await marked(page, "Wed");
  const crowd = server.crowd(poll);
  await more(page, 2);
  await crowd.leave();
  await server.act(poll, "reset");
  await page.getByText("0 people have voted", { exact: true }).waitFor();
  await page.waitForFunction(() => !document.querySelector("fieldset input:checked"));
  await leave();
});

test("a vote that cannot be taken back is sent by a second touch alone", async () => {
  const poll = await server.poll("Who shall chair?", ["Ada", "Grace", "Edsger"], { revote: "refuse" });
  const { page, leave } = await at(poll);
  const crowd = server.crowd(poll),
    sent = () => server.line.heard(new RegExp(`^POST /api/polls/${poll.id}/vote`)).length;
  await tap(page, "Grace");
  await more(page, 5);
  assert.equal(sent(), 0, "the first touch binds");
  await tap(page, "Ada");
  await more(page, 5);
  assert.equal(sent(), 0, "the second mark binds");
  assert.ok(await choice(page, "Ada").isChecked());
  await page.getByText(/can(’|')t change/).waitFor();
  await press(page, "Vote");
  await told(page, "Counted");
  assert.equal(await page.locator("fieldset input:enabled").count(), 0);
  await exact(page, crowd, poll, [1]);
  await leave();
});

test("what is open on the phone stays open, where it was: table, receipt, place on the page", async () => {
  const poll = await server.poll(
    "A long list?",
    Array.from({ length: 60 }, (_, i) => `Number ${i + 1}`),
  );
  const { page, leave } = await at(poll);
  const crowd = server.crowd(poll);
  await tap(page, "Number 1");
  await told(page, "Counted");
  await page.getByText("Results as a table").tap();
  await page.getByText("Number 40", { exact: true }).first().scrollIntoViewIfNeeded();
  const place = () => page.evaluate(() => [Math.round(scrollY), document.querySelector("details").open]);
  const before = await place();
  await more(page, 5);
  assert.deepEqual(await place(), before);
  await press(page, "Receipt");
  const receipt = page.getByRole("dialog", { name: "Receipt for your vote" });
  const copy = receipt.getByRole("button", { name: "Copy" });
  await copy.focus();
  await more(page, 5);
  assert.ok(await copy.evaluate((node) => node === document.activeElement), "the focus left the receipt");
  await crowd.leave();
  await leave({ moved: true });
});

test("an organiser's caret, draft, dialog and half-dragged poll outlive what others do", async () => {
  const event = await server.call("POST", "/api/events", { body: { title: "Busy" } });
  const add = (question, rest) =>
    server.call("POST", `/api/events/${event.id}/polls`, {
      token: event.ownerToken,
      body: { question, options: ["Yes", "No"], ...rest },
    });
  const [shown, draft] = [
    await add("Shown?", { open: true }),
    await add("A draft?", { open: false }),
    await add("Third?", { open: false }),
  ];
  await server.call("POST", `/api/events/${event.id}/show`, { token: event.ownerToken, body: { poll: shown.id } });
  const { page, leave } = await person(browser, { size: STAGE });
  // The save of somebody else below arrives over a socket that may be open already by then.
  const told = new Promise((done) => {
    const hears = (words) => {
      if (`${words}`.includes("busy.example")) done();
    };
    page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => hears(payload)));
    page.on("response", (answer) => void answer.text().then(hears, () => {}));
  });
  await page.goto(`${server.url}/studio#event=${event.id}&token=${event.ownerToken}`);
  await page.getByRole("heading", { name: "Busy" }).waitFor();
  const crowd = server.crowd(shown);
  const voters = async (least) =>
    page.waitForFunction(
      (n) =>
        [...document.querySelectorAll("[aria-labelledby=stage-title] .number")].some(
          (one) => parseInt(one.textContent, 10) >= n,
        ),
      least,
    );
  /** Waits until everybody has been told of something new several times. */
  const news = async () => voters(crowd.voters + 8);
  await news();

  // A row is half-dragged.
  const grip = (name) => page.getByRole("button", { name: `Move ${name}`, exact: true });
  const [from, to] = [await grip("Shown?").boundingBox(), await grip("Third?").boundingBox()];
  await page.mouse.move(from.x + 10, from.y + 10);
  await page.mouse.down();
  await page.mouse.move(to.x + 10, to.y + to.height - 5, { steps: 8 });
  await news();
  await page.mouse.up();
  await page.getByRole("status").getByText("Shown?: now 3 of 3").waitFor();

  // A dialog is open, and the focus is in it.
  await page.getByRole("button", { name: "Reset…" }).first().click();
  const keep = page.getByRole("button", { name: "Keep it" });
  await keep.focus();
  await news();
  assert.ok(await keep.evaluate((node) => node === document.activeElement), "the focus left the dialog");
  await keep.click();

  // The caret stands in words that are not saved, of the event and of a draft that somebody else saves
  // meanwhile.
  const caret = async (field) => {
    await field.fill("Something that is being written");
    await field.evaluate((node) => node.setSelectionRange(2, 7));
    return () =>
      field.evaluate((node) => [document.activeElement === node, node.value, node.selectionStart, node.selectionEnd]);
  };
  const kept = [true, "Something that is being written", 2, 7];
  const title = await caret(page.getByLabel("Title"));
  await news();
  assert.deepEqual(await title(), kept);
  await page.getByRole("link", { name: "A draft?" }).click();
  const question = await caret(page.getByLabel("Question"));
  await server.call("PATCH", `/api/polls/${draft.id}`, {
    token: event.ownerToken,
    body: { embed: ["http://busy.example"] },
  });
  await told;
  await page.evaluate(() => new Promise(requestAnimationFrame));
  assert.deepEqual(await question(), kept);
  await crowd.leave();
  await leave({ moved: true });
});
