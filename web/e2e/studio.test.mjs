// Tests the organiser's studio: it runs polls, finds them again, and keeps the tokens, which only the pages ever
// see.

import assert from "node:assert/strict";
import { still } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import { NO_SERVER } from "./phone.mjs";
import { OPERATOR, Pollux } from "./pollux.mjs";
import { live, option, organiserIn, press, status, voters, written } from "./studio.mjs";

const { server, browser } = await inHall();

const organiser = (rest) => organiserIn(browser, rest);

test("close, reopen, reveal, and a reset that asks first; bars and trend are live", async () => {
  const poll = await server.poll("Sealed?", ["Castor", "Polydeuces"], { results: "hidden" });
  await server.votes(poll, 1, 2);
  const { page, leave } = await organiser({ holding: [poll] });
  await page.goto(`${server.url}/studio/polls/${poll.id}`);
  // The owner sees what the public does not.
  await voters(page, 2);
  await page.getByRole("img", { name: /^Voters over time/ }).waitFor();
  // The warning that phones cannot open this address comes once the server has said so, which takes longer on
  // a bad line.
  await page.locator(".notice.warn").waitFor();
  await still(page);
  const shifts = () => page.evaluate(() => window.shifts());
  const { length } = await shifts();
  await server.votes(poll, 2, 3);
  await voters(page, 5);
  await page.getByRole("row", { name: /Polydeuces 3 60/ }).waitFor();
  await still(page);
  assert.deepEqual((await shifts()).slice(length), [], "something moved when votes came in");
  await press(page, "Reveal results");
  await page.getByRole("button", { name: "Reveal results" }).waitFor({ state: "hidden" });
  assert.equal((await server.read(poll)).totalVoters, 5);
  await press(page, "Close");
  await page.getByText("Final", { exact: true }).waitFor();
  await press(page, "Reopen");
  await status(page, "open");
  await press(page, "Reset…");
  await page
    .getByRole("dialog")
    .getByText(/5 people’s votes/)
    .first()
    .waitFor();
  await press(page, "Keep it");
  assert.equal((await server.read(poll)).round, 1);
  // Otherwise those who have voted would vote in the new round as well.
  await server.hush(poll);
  await press(page, "Reset…");
  await press(page, "Reset, and lose 5 people’s votes");
  await voters(page, 0);
  await page.getByText("Round 2", { exact: true }).waitFor();
  await leave({ moved: true });
});

test("duplicate, delete, search and filter", async () => {
  const polls = [
    await server.poll("First of all?", ["One", "Zebra"], { kind: "multiple", maxChoices: 2 }),
    await server.poll("Second?", ["A", "B"]),
  ];
  await server.act(polls[1], "close");
  const { page, leave } = await organiser({ holding: polls, expected: /status of 404/ });
  await page.goto(`${server.url}/studio`);
  await live(page);
  const rows = page.locator("[data-entry]");
  // Each poll is asked for separately.
  await rows.nth(1).waitFor();
  assert.equal(await rows.count(), 2);
  await page.keyboard.press("/");
  await page.keyboard.type("zebra");
  await rows.filter({ hasText: "Second?" }).waitFor({ state: "hidden" });
  await page.getByRole("searchbox").fill("");
  await page.getByRole("radio", { name: /Closed/ }).check({ force: true });
  await rows.filter({ hasText: "First of all?" }).waitFor({ state: "hidden" });
  await page.getByRole("link", { name: /Second/ }).click();
  await press(page, "Delete…");
  await press(page, "Delete, and lose no votes");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await rows.filter({ hasText: "Second?" }).waitFor({ state: "hidden" });
  await assert.rejects(server.read(polls[1], polls[1].ownerToken), /404/);

  await page.goto(`${server.url}/studio/polls/${polls[0].id}`);
  await page.getByRole("link", { name: "Duplicate", exact: true }).click();
  await page.getByRole("heading", { name: "A copy" }).waitFor();
  assert.deepEqual(await written(page), ["One", "Zebra"]);
  await page.getByLabel("Question").fill("Second of all?");
  await press(page, "Save as draft");
  await page.getByRole("heading", { name: "Draft" }).waitFor();
  const copy = await server.call("GET", `/api/polls/${page.url().split("/").pop()}`, {
    token: await page.evaluate(() =>
      JSON.parse(localStorage.getItem(`pollux.token.${location.pathname.split("/").pop()}`)),
    ),
  });
  assert.deepEqual([copy.question, copy.kind, copy.maxChoices], ["Second of all?", "multiple", 2]);
  await leave({ moved: true });
});

test("another browser by the link alone; the token is in no address", async () => {
  const poll = await server.poll("By link?", ["Yes", "No"]);
  const { page, leave } = await organiser();
  const addresses = [];
  page.on("request", (request) => addresses.push(request.url()));
  page.on("websocket", (socket) => addresses.push(socket.url()));
  const link = new URL(poll.ownerUrl),
    token = poll.ownerToken;
  await page.goto(server.url + link.pathname + link.hash);
  await press(page, "Close");
  await page.getByText("Final", { exact: true }).waitFor();
  assert.equal(new URL(page.url()).hash, "");
  assert.ok(!page.url().includes(token), "the token stays in the address bar");
  // The page's own address is not sent with its fragment.
  assert.deepEqual(
    addresses.filter((address) => address.includes(token) && !new URL(address).hash),
    [],
  );
  assert.ok(!(await page.evaluate((secret) => document.documentElement.outerHTML.includes(secret), token)));
  // The token is remembered without standing in any address, and a second link is taken in while the page is
  // open.
  await page.goto(`${server.url}/studio`);
  await page.getByRole("link", { name: /By link/ }).waitFor();
  const other = await server.poll("By another link?", ["Yes", "No"]);
  await page.evaluate((hash) => {
    location.hash = hash;
  }, new URL(other.ownerUrl).hash);
  await page.getByRole("heading", { name: "By another link?" }).waitFor();
  assert.equal(new URL(page.url()).hash, "");
  await page.goBack();
  assert.ok(!page.url().includes(other.ownerToken), "the token is in the history");
  await leave({ moved: true });
});

test("a wrong token is told from none, and can be put right", async () => {
  const poll = await server.poll("Forged?", ["Yes", "No"]);
  const wrong = poll.ownerToken.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
  const { page, leave } = await organiser({ expected: /status of 40[13]/ });
  await page.goto(`${server.url}/studio/polls/${poll.id}`);
  await page.getByText("This device holds no token for this poll").waitFor();
  assert.equal(await page.getByRole("button", { name: "Close", exact: true }).count(), 0);
  await page.goto(`${server.url}/studio#poll=${poll.id}&token=${wrong}`);
  await page.getByText("The token this device holds is not this poll's").waitFor();
  await press(page, "Close");
  await page.getByRole("alert").filter({ hasText: "This is not the owner's token" }).waitFor();
  assert.equal((await server.read(poll)).status, "open");
  await page.getByPlaceholder("Owner's token or link").fill(poll.ownerUrl);
  await press(page, "Use it");
  await page.getByText("The token this device holds").waitFor({ state: "hidden" });
  await press(page, "Close");
  await page.getByText("Final", { exact: true }).waitFor();
  await leave({ moved: true });
});

test("the results as a file", async () => {
  const poll = await server.poll("Saved?", ["Yes", 'No, "never"'], { results: "hidden" });
  await server.votes(poll, 2, 2);
  const { page, leave } = await organiser({ holding: [poll] });
  await page.goto(`${server.url}/studio/polls/${poll.id}`);
  for (const [format, has] of [
    ["CSV", /No, ""never"""/],
    ["JSON", /"votes":\s*2/],
  ]) {
    const [download] = await Promise.all([page.waitForEvent("download"), press(page, format)]);
    assert.equal(download.suggestedFilename(), `poll-${poll.code}.${format.toLowerCase()}`);
    assert.match(await text(download), has);
  }
  await leave({ moved: true });
});

async function text(download) {
  let all = "";
  for await (const part of await download.createReadStream()) all += part;
  return all;
}

test("tokens go to another device as a file, and are forgotten on request", async () => {
  const poll = await server.poll("Carried?", ["Yes", "No"]);
  const here = await organiser({ holding: [poll] }),
    there = await organiser();
  await here.page.goto(`${server.url}/studio/access`);
  await here.page.getByRole("link", { name: "Carried?" }).waitFor();
  const [download] = await Promise.all([here.page.waitForEvent("download"), press(here.page, "Save all as a file")]);
  await there.page.goto(`${server.url}/studio/access`);
  await there.page
    .getByLabel("From a file")
    .setInputFiles({ name: "tokens.json", mimeType: "application/json", buffer: Buffer.from(await text(download)) });
  await there.page.getByRole("link", { name: "Carried?" }).click();
  await there.page.getByRole("button", { name: "Close", exact: true }).waitFor();
  await press(here.page, "Forget the token of Carried?");
  await press(here.page, "Forget it");
  await here.page.getByText("No tokens yet").waitFor();
  assert.equal(await here.page.evaluate((id) => localStorage.getItem(`pollux.token.${id}`), poll.id), null);
  await here.leave({ moved: true });
  await there.leave({ moved: true });
});

test("links are copied, over plain HTTP too", async () => {
  const poll = await server.poll("Handed on?", ["Yes", "No"]);
  const { page, leave } = await organiser({ holding: [poll] });
  await page.goto(`http://classroom.test:${server.port}/studio/polls/${poll.id}`);
  assert.equal(await page.evaluate(() => window.isSecureContext), false);
  await press(page, "Copy Link to vote");
  await page.getByText("Copied", { exact: true }).waitFor();
  await page.getByText("Links for others who run it").click();
  await page.getByLabel("Stage link", { exact: false }).first().waitFor();
  await press(page, "Copy Owner's link");
  await page.getByRole("status").getByText("Copied: Owner's link").waitFor();
  await page.getByRole("link", { name: "Overview" }).first().click();
  await page.getByRole("searchbox").focus();
  await page.keyboard.press("Control+V");
  const pasted = await page.getByRole("searchbox").inputValue();
  assert.equal(new URLSearchParams(new URL(pasted).hash.slice(1)).get("token"), poll.ownerToken);
  await leave({ moved: true });
});

test("how the server is, in words, and that it went away and came back", async () => {
  const own = await Pollux.start();
  try {
    const poll = await own.poll("Well?", ["Yes", "No"]);
    const { page, leave } = await organiser({ holding: [poll], expected: NO_SERVER });
    await page.goto(`${own.url}/studio/health`);
    await page.getByText("All is well").waitFor();
    await page.locator("[data-tone=ok]", { hasText: "Waiting to be counted" }).waitFor();
    await page.getByText(/Embedded: one server|Cluster: Kafka/).waitFor();
    await own.kill();
    await page.getByText("The server does not answer").waitFor();
    await page.getByText(/No connection for/).waitFor();
    // What is written while the server is away is kept, and the poll is created once it can be.
    await page.getByRole("link", { name: "New poll" }).first().click();
    await page.getByLabel("Question").fill("Written offline?");
    await option(page, "A").fill("Yes");
    await option(page, "B").fill("No");
    await press(page, "Open now");
    await page.getByText("No answer yet; trying again…").waitFor();
    await own.restart();
    await status(page, "open");
    assert.equal(
      (await own.call("GET", "/api/polls")).polls.filter(({ question }) => question === "Written offline?").length,
      1,
    );
    await page.getByRole("link", { name: "Health" }).first().click();
    await page.getByText("All is well").waitFor();
    // What has happened since is shown without a reload.
    await page.getByRole("link", { name: "Overview" }).first().click();
    await own.votes(poll, 1, 4);
    await page.locator("[data-entry]", { hasText: "Well?" }).getByText("4", { exact: true }).waitFor();
    await leave({ moved: true });
  } finally {
    await own.stop();
  }
});

test("keys: the list, a new poll; none while a field has the focus", async () => {
  const { page, leave } = await organiser();
  await page.goto(`${server.url}/studio`);
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.keyboard.press("n");
  await page.getByLabel("Question").click();
  await page.keyboard.type("oh no");
  assert.equal(await page.getByLabel("Question").inputValue(), "oh no");
  await leave({ moved: true });
});

test("the operator sees everything, gives out a new token, and signs out", async () => {
  const poll = await server.poll("Lost?", ["Yes", "No"], { listed: false });
  const { page, leave } = await organiser({ expected: /status of 40[13]/ });
  await page.goto(`${server.url}/studio/access`);
  await page.getByLabel("Operator’s token").fill("wrong");
  await press(page, "Sign in");
  await page.getByText("not the operator’s token").waitFor();
  await page.getByLabel("Operator’s token").fill(OPERATOR);
  await press(page, "Sign in");
  await page.getByText("Signed in as the operator").waitFor();
  await page.getByRole("link", { name: "Overview" }).first().click();
  await page.getByRole("link", { name: /^Lost/ }).click();
  await page.getByText("Links for others who run it").click();
  await press(page, "Reissue a lost token…");
  await press(page, "Reissue, and end the old tokens");
  const link = new URL(await page.getByLabel("New owner's link: hand it to the owner", { exact: true }).inputValue());
  const fresh = new URLSearchParams(link.hash.slice(1)).get("token");
  await assert.rejects(server.act(poll, "close"), /403/);
  assert.equal((await server.act({ ...poll, ownerToken: fresh }, "close")).status, "closed");
  await page.getByRole("link", { name: "Access" }).first().click();
  await press(page, "Sign out");
  await page.getByRole("link", { name: "Overview" }).first().click();
  await page.getByRole("link", { name: "Make your first poll" }).waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await leave({ moved: true });
});
