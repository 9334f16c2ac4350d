// The organiser: makes a poll, and runs it with a token that only the page ever sees.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, person, says } from "./browser.mjs";
import { Pollux } from "./pollux.mjs";

let server, browser;
before(async () => { [server, browser] = [await Pollux.start(), await launch()]; });
after(async () => { await browser?.close(); await server?.stop(); });

/** Make a poll by the form; resolves to the owner's link. */
async function make(page, question, options, results = "live") {
  await page.goto(server.url);
  await page.getByText("Make a poll", { exact: true }).tap();
  await page.getByLabel("Question").fill(question);
  for (const [i, option] of options.entries()) await page.getByLabel(`Option ${i + 1}`).fill(option);
  await page.getByLabel("Results are shown").selectOption(results);
  await page.getByRole("button", { name: "Make the poll" }).tap();
  await page.locator("#made").waitFor();
  return page.inputValue("#made-owner");
}

const press = (page, name) => page.getByRole("button", { name }).tap();

test("makes a poll and runs it from another browser, by the link alone", async () => {
  const maker = await person(browser), owner = await person(browser);
  const link = new URL(await make(maker.page, "Made by hand?", ["Yes", "By machine"]));
  const token = new URLSearchParams(link.hash.slice(1)).get("token");
  assert.ok(token.length > 20);
  await maker.leave({ moved: true });

  const { page, leave } = owner;
  const addresses = [];
  page.on("request", (request) => addresses.push(request.url()));
  page.on("websocket", (socket) => addresses.push(socket.url()));
  await page.goto(server.url + link.pathname + link.hash);
  await page.getByText("By machine", { exact: true }).tap();
  await says(page, "#state-title", /✓ Counted/);
  assert.equal(new URL(page.url()).hash, "");
  assert.ok(!page.url().includes(token), "the token stays in the address bar");
  assert.ok(!await page.evaluate((secret) => document.documentElement.outerHTML.includes(secret), token));

  await press(page, "Close");
  await says(page, "#status", /Final result/);
  assert.equal(await page.locator("input:enabled").count(), 0);
  await press(page, "Reopen");
  await says(page, "#status", /^Open$/);
  await page.getByText("Yes", { exact: true }).tap();
  await says(page, ".option:nth-child(1) .num", /^1 · 100 %$/);
  await press(page, "Reset");
  await press(page, /Press again/);
  await says(page, "#state-title", /A new round has begun/);
  await says(page, "#total", /^0 votes$/);

  // It is remembered, without standing in any address.
  await page.reload();
  await page.getByRole("button", { name: "Close" }).waitFor();
  assert.deepEqual(addresses.filter((address) => address.includes(token)).map((a) => new URL(a).search), []);
  await leave({ moved: true });
});

test("reveals what was hidden", async () => {
  const owner = await person(browser), voter = await person(browser);
  const link = await make(owner.page, "Sealed?", ["Castor", "Polydeuces"], "hidden");
  const code = (await owner.page.textContent("#made-code")).replace(/\s/g, "");
  await voter.page.goto(`${server.url}/p/${code}`);
  await says(voter.page, "#total", /hidden for now/);
  await voter.page.getByText("Polydeuces", { exact: true }).tap();
  await says(voter.page, "#state-title", /✓ Counted/);
  assert.equal(await voter.page.textContent(".option:nth-child(2) .num"), "");

  await owner.page.goto(server.url + new URL(link).pathname + new URL(link).hash);
  await press(owner.page, "Reveal results");
  await owner.page.getByRole("button", { name: "Reveal results" }).waitFor({ state: "hidden" });
  await says(voter.page, ".option:nth-child(2) .num", /^1 · 100 %$/);
  await owner.leave({ moved: true });
  await voter.leave();
});

test("finds a draft as it was edited elsewhere", async () => {
  const poll = await server.poll("A draft?", ["Yes", "No"], { open: false });
  // Nobody can watch a draft yet.
  const { page, leave } = await person(browser, { expected: /response code: 404/ });
  await page.goto(`${server.url}/studio#poll=${poll.id}&token=${poll.ownerToken}`);
  await says(page, "#status", /^Draft$/);
  await server.call("PATCH", `/api/polls/${poll.id}`, {
    token: poll.ownerToken, body: { question: "Ready?", options: ["Yes", "No", "Nearly"] } });
  await press(page, "Open");
  await says(page, "#status", /^Open$/);
  await says(page, "#question", /^Ready\?$/);
  await says(page, ".option:nth-child(3) .text", /^Nearly$/);
  await leave({ moved: true });
});

test("somebody without the token finds no controls", async () => {
  const poll = await server.poll("Whose is it?", ["Mine", "Yours"]);
  const { page, leave } = await person(browser);
  await page.goto(`${server.url}/p/${poll.code}`);
  await says(page, "#link", /^Live$/);
  assert.ok(await page.locator("#owner").isHidden());
  await leave();
});

test("a wrong token is refused, and says so", async () => {
  const poll = await server.poll("Forged?", ["Yes", "No"]);
  const wrong = poll.ownerToken.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
  const { page, leave } = await person(browser, { expected: /status of 40[13]/ });
  await page.goto(`${server.url}/studio#poll=${poll.id}&token=${wrong}`);
  await press(page, "Close");
  await page.locator("#owner-fault:not(:empty)").waitFor();
  assert.equal((await server.read(poll)).status, "open");
  await leave({ moved: true });
});
