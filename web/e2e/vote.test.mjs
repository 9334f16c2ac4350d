// The voter's phone: two taps, a change of mind, a server that dies, results that are hidden.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, person, says, STAGE } from "./browser.mjs";
import { Pollux } from "./pollux.mjs";

let server, browser;
before(async () => { [server, browser] = [await Pollux.start(), await launch()]; });
after(async () => { await browser?.close(); await server?.stop(); });

const figures = (poll) => poll.options.map((option) => option.votes);
const stage = () => person(browser, { size: STAGE, theme: "dark" });
/** How far a row's bar reaches, once it has stopped moving. */
const reaches = (page, row, share) => page.waitForFunction(([number, wanted]) => {
  const bar = document.querySelector(`#rows li:nth-child(${number}) .bar`).getBoundingClientRect();
  const track = document.querySelector(`#rows li:nth-child(${number}) .track`).getBoundingClientRect();
  return Math.abs(bar.width / track.width - wanted) < 0.001;
}, [row, share]);

test("join by code, one tap more, and the stage moves", async () => {
  const poll = await server.poll("Tea or coffee?", ["Tea", "Coffee"]);
  const room = await stage(), phone = await person(browser), other = await person(browser);
  await room.page.goto(`${server.url}/present/${poll.id}`);
  await says(room.page, "#link", /^Live$/);
  await says(room.page, "#total", /Waiting for the first vote/);
  await reaches(room.page, 2, 0);

  await phone.page.goto(server.url);
  await phone.page.fill("#code", `${poll.code.slice(0, 3)}-${poll.code.slice(3)} `);
  await phone.page.getByRole("button", { name: "Join" }).tap();
  await phone.page.getByText("Coffee", { exact: true }).tap();
  await says(phone.page, "#state-title", /✓ Counted/);
  await says(room.page, "#total", /^1 vote$/);
  await says(room.page, "#rows li:nth-child(2) .num", /^1100 %$/);
  await reaches(room.page, 2, 1);

  await other.page.goto(`${server.url}/p/${poll.code}`);
  await other.page.getByText("Tea", { exact: true }).tap();
  await says(room.page, "#total", /^2 votes$/);
  await reaches(room.page, 1, 0.5);
  await reaches(room.page, 2, 0.5);
  await says(phone.page, ".option:nth-child(2) .num", /^1 · 50 %$/);
  for (const { leave } of [room, phone, other]) await leave();
});

test("the receipt says what became of the vote, to its voter alone", async () => {
  const poll = await server.poll("Signed for?", ["Yes", "No"]);
  const phone = await person(browser), stranger = await person(browser);
  await phone.page.goto(`${server.url}/p/${poll.code}`);
  await phone.page.getByText("No", { exact: true }).tap();
  await says(phone.page, "#state-title", /✓ Counted/);
  const opens = phone.context.waitForEvent("page");
  await phone.page.getByRole("link", { name: "Receipt" }).tap();
  const receipt = await opens;
  await receipt.waitForLoadState();
  const fate = JSON.parse(await receipt.textContent("body"));
  assert.equal(fate.status, "counted");
  assert.equal(fate.pollId, poll.id);
  assert.equal(fate.ballotId, await phone.page.getAttribute("#receipt", "title"));
  const asked = await stranger.context.request.get(receipt.url());
  assert.equal(asked.status(), 404);
  await receipt.close();
  await phone.leave();
  await stranger.context.close();
});

test("a vote can be changed until the close, and then no more", async () => {
  const poll = await server.poll("Red or blue?", ["Red", "Blue"]);
  const { page, leave } = await person(browser);
  await page.goto(`${server.url}/p/${poll.code}`);
  await page.getByText("Red", { exact: true }).tap();
  await says(page, "#state-title", /✓ Counted/);
  await page.getByText("Blue", { exact: true }).tap();
  await says(page, ".option:nth-child(2) .num", /^1 /);
  await says(page, ".option:nth-child(1) .num", /^0 /);
  assert.deepEqual(figures(await server.read(poll)), [0, 1]);
  await server.act(poll, "close");
  await says(page, "#status", /Final result/);
  assert.equal(await page.locator("input:enabled").count(), 0);
  await leave();
});

test("where a vote may not be changed, a second one is refused and the first stands", async () => {
  const poll = await server.poll("Once and for all?", ["Yes", "No"], { revote: "refuse" });
  const { page, context, leave } = await person(browser);
  // Two tabs, both open before the vote: the second does not know that there was one.
  const tab = await context.newPage();
  await page.goto(`${server.url}/p/${poll.code}`);
  await tab.goto(`${server.url}/p/${poll.code}`);
  await says(tab, "#link", /^Live$/);
  await page.bringToFront();
  await page.getByText("Yes", { exact: true }).tap();
  await says(page, "#state-title", /✓ Counted/);
  assert.equal(await page.locator("input:enabled").count(), 0);
  await tab.bringToFront();
  await tab.getByText("No", { exact: true }).tap();
  await says(tab, "#state-title", /You had voted already/);
  assert.equal(await tab.locator("input:enabled").count(), 0);
  await says(tab, "#total", /^1 vote$/);
  assert.deepEqual(figures(await server.read(poll)), [1, 0]);
  await leave();
});

test("several choices, up to as many as the poll allows", async () => {
  const poll = await server.poll("Which days?", ["Mon", "Tue", "Wed"], { kind: "multiple", maxChoices: 2 });
  const { page, leave } = await person(browser);
  await page.goto(`${server.url}/p/${poll.code}`);
  await page.getByText("Mon", { exact: true }).tap();
  await page.getByText("Wed", { exact: true }).tap();
  assert.ok(await page.locator("input[value='2']").isDisabled());
  await page.getByRole("button", { name: "Vote" }).tap();
  await says(page, "#state-title", /✓ Counted/);
  assert.deepEqual(figures(await server.read(poll)), [1, 0, 1]);
  await leave();
});

test("killed in the middle of a vote: it goes through under the same ballot id", async () => {
  const poll = await server.poll("Will it survive?", ["Yes", "No"]);
  await server.votes(poll, 2, 3);
  // What a browser writes into the console while there is no server.
  const expected = /net::ERR_(FAILED|CONNECTION|EMPTY_RESPONSE|SOCKET)/;
  const phone = await person(browser, { expected }), room = await person(browser, { size: STAGE, expected });
  const port = server.port;
  await room.page.goto(`${server.url}/present/${poll.id}`);
  await says(room.page, "#total", /^3 votes$/);
  await phone.page.goto(`${server.url}/p/${poll.code}`);
  await says(phone.page, "#link", /^Live$/);
  const sent = [];
  await phone.page.route("**/vote?wait=counted", async (route) => {
    const body = route.request().postDataJSON();
    sent.push(body.ballotId);
    if (sent.length > 1) return route.continue();
    // The first one reaches the log, and nobody hears the answer.
    await route.fetch();
    await server.kill();
    return route.abort();
  });
  await phone.page.getByText("Yes", { exact: true }).tap();
  await says(phone.page, "#state-title", /trying again/);
  for (const { page } of [phone, room]) await says(page, "#link", /Connecting|reconnecting/);
  await server.restart();
  assert.equal(server.port, port);
  await says(phone.page, "#state-title", /✓ Counted/);
  assert.ok(sent.length > 1);
  assert.equal(new Set(sent).size, 1, `one ballot under several ids: ${sent}`);
  for (const { page } of [phone, room]) await says(page, "#link", /^Live$/);
  await server.act(poll, "close");
  await says(phone.page, "#status", /Final result/);
  assert.deepEqual(figures(await server.read(poll)), [1, 3]);
  await says(phone.page, ".option:nth-child(1) .num", /^1 · 25 %$/);
  await says(phone.page, ".option:nth-child(2) .num", /^3 · 75 %$/);
  await says(room.page, "#total", /^4 votes$/);
  await says(room.page, "#outcome-name", /^No$/);
  await says(room.page, "#outcome-figure", /^75 %$/);
  await phone.leave();
  await room.leave();
});

test("a vote cast offline waits on the phone", async () => {
  const poll = await server.poll("In a tunnel?", ["Yes", "No"]);
  const { page, context, leave } = await person(browser, { expected: /net::ERR_INTERNET_DISCONNECTED/ });
  await page.goto(`${server.url}/p/${poll.code}`);
  await says(page, "#link", /^Live$/);
  await context.setOffline(true);
  await page.getByText("Yes", { exact: true }).tap();
  await says(page, "#state-title", /trying again/);
  assert.equal((await server.read(poll)).totalVoters, 0);
  await context.setOffline(false);
  await says(page, "#state-title", /✓ Counted/);
  assert.equal((await server.read(poll)).totalVoters, 1);
  await leave();
});

test("hidden results reach nobody before the reveal", async () => {
  const poll = await server.poll("Who wins?", ["Castor", "Pollux"], { results: "hidden" });
  await server.votes(poll, 2, 4);
  const phone = await person(browser), room = await stage();
  const heard = [];
  phone.page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => heard.push(`${payload}`)));
  phone.page.on("response", (answer) => { if (answer.url().includes("/api/")) heard.push(answer.text()); });
  await phone.page.goto(`${server.url}/p/${poll.code}`);
  await phone.page.getByText("Castor", { exact: true }).tap();
  await says(phone.page, "#state-title", /✓ Counted/);
  await says(phone.page, "#link", /^Live$/);
  const shown = (page, parts) => page.evaluate((where) =>
    [...document.querySelectorAll(where)].map((part) => part.textContent).join(" "), parts);
  assert.doesNotMatch(await shown(phone.page, "#ballot, #facts, #figures, #aloud"), /\d/);

  // The stage of the organiser, who may see them: the room may not.
  await room.page.goto(`${server.url}/present/${poll.id}#token=${poll.ownerToken}`);
  assert.equal(room.page.url(), `${server.url}/present/${poll.id}`);
  await says(room.page, "#link", /^Live$/);
  await says(room.page, "#total", /Results are hidden/);
  await says(room.page, "#hint", /Space reveals/);
  assert.doesNotMatch(await shown(room.page, "#rows, #total, #table, #aloud, #outcome"), /\d/);
  await reaches(room.page, 2, 0);
  assert.ok(heard.length > 2, "nothing was heard");
  for (const message of await Promise.all(heard)) assert.doesNotMatch(message, /"(votes|totalVotes|totalVoters)":\d/);

  await room.page.keyboard.press("Space");
  await says(room.page, "#total", /^5 votes$/);
  await reaches(room.page, 2, 0.8);
  await says(phone.page, ".option:nth-child(2) .num", /^4 · 80 %$/);
  await phone.leave();
  await room.leave();
});

test("at 320 px it is whole that results are hidden, and the reveal moves nothing", async () => {
  const poll = await server.poll("A small phone?", ["Yes", "No"], { results: "hidden" });
  const { page, leave } = await person(browser, { size: { width: 320, height: 640 } });
  await page.goto(`${server.url}/p/${poll.code}`);
  await says(page, "#total", /^Results are hidden for now$/);
  await says(page, "#link", /^Live$/);
  const cut = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.getElementById("total");
    return scrollWidth - clientWidth;
  });
  assert.ok(cut <= 0, `${cut} px are cut`);
  await server.act(poll, "reveal");
  await says(page, "#total", /^0 votes$/);
  await leave();
});

test("results after the vote come with the vote", async () => {
  const poll = await server.poll("And the others?", ["This", "That"], { results: "afterVote" });
  await server.votes(poll, 1, 2);
  const { page, leave } = await person(browser);
  await page.goto(`${server.url}/p/${poll.code}`);
  await says(page, "#total", /once you have voted/);
  await page.getByText("That", { exact: true }).tap();
  await says(page, ".option:nth-child(1) .num", /^2 /);
  await says(page, ".option:nth-child(2) .num", /^1 /);
  await leave();
});
