// The voter's phone: one tap, a change of mind, a server that dies, results that are hidden.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, person, says } from "./browser.mjs";
import { Pollux } from "./pollux.mjs";

let server, browser;
before(async () => { [server, browser] = [await Pollux.start(), await launch()]; });
after(async () => { await browser?.close(); await server?.stop(); });

const figures = (poll) => poll.options.map((option) => option.votes);

test("join by code, one tap, and the stage moves", async () => {
  const poll = await server.poll("Tea or coffee?", ["Tea", "Coffee"]);
  const room = await person(browser, { theme: "dark" }), phone = await person(browser);
  await room.page.goto(`${server.url}/present/${poll.id}`);
  await says(room.page, "#link", /^Live$/);
  await says(room.page, "#total", /Waiting for the first vote/);

  await phone.page.goto(server.url);
  await phone.page.fill("#code", `${poll.code.slice(0, 3)}-${poll.code.slice(3)} `);
  await phone.page.click("#join button");
  await phone.page.getByText("Coffee", { exact: true }).click();
  await says(phone.page, "#state-title", /✓ Counted/);
  await says(room.page, "#total", /^1 vote$/);
  await says(room.page, "#rows li:nth-child(2) .num", /^1100 %$/);

  const receipt = await phone.page.getAttribute("#receipt", "href");
  const fate = await (await phone.context.request.get(server.url + receipt)).json();
  assert.equal(fate.status, "counted");
  for (const { faults, shift, context } of [room, phone]) {
    assert.deepEqual(faults, []);
    assert.equal(await shift(), 0);
    await context.close();
  }
});

test("a vote can be changed until the close, and then no more", async () => {
  const poll = await server.poll("Red or blue?", ["Red", "Blue"]);
  const { page, context } = await person(browser);
  await page.goto(`${server.url}/p/${poll.code}`);
  await page.getByText("Red", { exact: true }).click();
  await says(page, "#state-title", /✓ Counted/);
  await page.getByText("Blue", { exact: true }).click();
  await says(page, ".option:nth-child(2) .num", /^1 /);
  await says(page, ".option:nth-child(1) .num", /^0 /);
  assert.deepEqual(figures(await server.read(poll)), [0, 1]);
  await server.act(poll, "close");
  await says(page, "#status", /Final result/);
  assert.equal(await page.locator("input:enabled").count(), 0);
  await context.close();
});

test("several choices, up to as many as the poll allows", async () => {
  const poll = await server.poll("Which days?", ["Mon", "Tue", "Wed"], { kind: "multiple", maxChoices: 2 });
  const { page, context } = await person(browser);
  await page.goto(`${server.url}/p/${poll.code}`);
  await page.getByText("Mon", { exact: true }).click();
  await page.getByText("Wed", { exact: true }).click();
  assert.ok(await page.locator("input[value='2']").isDisabled());
  await page.click("#send");
  await says(page, "#state-title", /✓ Counted/);
  assert.deepEqual(figures(await server.read(poll)), [1, 0, 1]);
  await context.close();
});

test("killed in the middle of a vote: it goes through under the same ballot id", async () => {
  const poll = await server.poll("Will it survive?", ["Yes", "No"]);
  await server.votes(poll, 2, 3);
  const { page, context } = await person(browser);
  await page.goto(`${server.url}/p/${poll.code}`);
  await says(page, "#link", /^Live$/);
  const sent = [];
  await page.route("**/vote?wait=counted", async (route) => {
    sent.push(route.request().postDataJSON().ballotId);
    // The first one reaches the server, and then nobody hears the answer.
    if (sent.length === 1) {
      await route.fetch();
      await server.kill();
      return route.abort();
    }
    return route.continue();
  });
  await page.getByText("Yes", { exact: true }).click();
  await says(page, "#state-title", /trying again/);
  await server.restart();
  await says(page, "#state-title", /✓ Counted/);
  assert.ok(sent.length > 1);
  assert.equal(new Set(sent).size, 1, `one ballot under several ids: ${sent}`);
  await says(page, "#link", /^Live$/);
  await server.act(poll, "close");
  await says(page, "#status", /Final result/);
  const final = await server.read(poll);
  assert.deepEqual(figures(final), [1, 3]);
  await says(page, ".option:nth-child(1) .num", /^1 · 25 %$/);
  await says(page, ".option:nth-child(2) .num", /^3 · 75 %$/);
  await context.close();
});

test("a vote cast offline waits on the phone", async () => {
  const poll = await server.poll("In a tunnel?", ["Yes", "No"]);
  const { page, context } = await person(browser);
  await page.goto(`${server.url}/p/${poll.code}`);
  await says(page, "#link", /^Live$/);
  await context.setOffline(true);
  await page.getByText("Yes", { exact: true }).click();
  await says(page, "#state-title", /trying again/);
  assert.equal((await server.read(poll)).totalVoters, 0);
  await context.setOffline(false);
  await says(page, "#state-title", /✓ Counted/);
  assert.equal((await server.read(poll)).totalVoters, 1);
  await context.close();
});

test("hidden results reach nobody before the reveal", async () => {
  const poll = await server.poll("Who wins?", ["Castor", "Pollux"], { results: "hidden" });
  await server.votes(poll, 2, 4);
  const phone = await person(browser), room = await person(browser);
  await phone.page.goto(`${server.url}/p/${poll.code}`);
  await phone.page.getByText("Castor", { exact: true }).click();
  await says(phone.page, "#state-title", /✓ Counted/);
  assert.equal(await phone.page.textContent(".option:nth-child(2) .num"), "");

  await room.page.goto(`${server.url}/studio#poll=${poll.id}&token=${poll.ownerToken}`);
  await room.page.getByText("Reveal results").waitFor();
  await room.page.goto(`${server.url}/present/${poll.id}`);
  await says(room.page, "#total", /Results are hidden/);
  await says(room.page, "#hint", /Space reveals/);
  assert.equal(await room.page.textContent("#rows .num"), "");
  await room.page.keyboard.press("Space");
  await says(room.page, "#total", /^5 votes$/);
  await says(phone.page, ".option:nth-child(2) .num", /^4 · 80 %$/);
  await phone.context.close();
  await room.context.close();
});

test("results after the vote come with the vote", async () => {
  const poll = await server.poll("And the others?", ["This", "That"], { results: "afterVote" });
  await server.votes(poll, 1, 2);
  const { page, context } = await person(browser);
  await page.goto(`${server.url}/p/${poll.code}`);
  await says(page, "#total", /once you have voted/);
  await page.getByText("That", { exact: true }).click();
  await says(page, ".option:nth-child(1) .num", /^2 /);
  await says(page, ".option:nth-child(2) .num", /^1 /);
  await context.close();
});

test("the organiser makes, closes, reopens and resets a poll", async () => {
  const { page, context, faults } = await person(browser);
  await page.goto(server.url);
  await page.getByText("Make a poll", { exact: true }).click();
  await page.fill("[name=question]", "Made by hand?");
  await page.locator("[name=option]").nth(0).fill("Yes");
  await page.locator("[name=option]").nth(1).fill("By machine");
  await page.getByRole("button", { name: "Make the poll" }).click();
  await page.locator("#made").waitFor();
  await page.goto(await page.inputValue("#made-owner"));
  await page.getByText("By machine", { exact: true }).click();
  await says(page, "#state-title", /✓ Counted/);
  await page.getByRole("button", { name: "Close" }).click();
  await says(page, "#status", /Final result/);
  await page.getByRole("button", { name: "Reopen" }).click();
  await says(page, "#status", /Open/);
  await page.getByRole("button", { name: "Reset" }).click();
  await page.getByRole("button", { name: /Press again/ }).click();
  await says(page, "#state-title", /A new round has begun/);
  await says(page, "#total", /^0 votes$/);
  assert.deepEqual(faults, []);
  await context.close();
});
