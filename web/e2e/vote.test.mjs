// Tests the voter's phone: two taps, a change of mind, a server that dies, a lost connection, hidden results; one
// person, two tabs, and a whole room.

import assert from "node:assert/strict";
import { person } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import {
  NO_SERVER,
  SMALL,
  at as joined,
  choice,
  counts,
  figures,
  live,
  overhear,
  press,
  row,
  tap,
  told,
} from "./phone.mjs";
import { until } from "./until.mjs";

const { server, browser } = await inHall();

/** Tells whether an option's bar reaches this far, once it has stopped moving. */
const reaches = async (page, option, share) =>
  page.waitForFunction(
    ([text, wanted]) => {
      const label = [...document.querySelectorAll("label")].find(
        (one) => one.querySelector(".text")?.textContent === text,
      );
      const width = (part) => label.querySelector(part).getBoundingClientRect().width;
      return Math.abs(width(".bar") / width(".track") - wanted) < 0.002;
    },
    [option, share],
  );
const at = (poll, rest) => joined(browser, server, poll, rest);

test("join by code, one tap more, and everybody sees it", async () => {
  const poll = await server.poll("Tea or coffee?", ["Tea", "Coffee"]);
  const phone = await person(browser),
    other = await at(poll);
  await phone.page.goto(server.url);
  const loaded = await phone.page.evaluate(() => {
    window.same = true;
    return performance.getEntriesByType("navigation").length;
  });
  await phone.page.getByLabel("Enter the code").fill(` ${poll.code.slice(0, 3)}-${poll.code.slice(3)} `);
  await press(phone.page, "Join");
  await tap(phone.page, "Coffee");
  await told(phone.page, "Counted");
  // Nothing was loaded anew, and the browser's way back works.
  assert.equal(await phone.page.evaluate(() => window.same), true);
  assert.equal(loaded, 1);
  assert.equal(new URL(phone.page.url()).pathname, `/p/${poll.code}`);
  await counts(other.page, "Coffee", 1, 100);
  await reaches(other.page, "Coffee", 1);
  await tap(other.page, "Tea");
  await counts(phone.page, "Tea", 1, 50);
  await reaches(phone.page, "Coffee", 0.5);
  await phone.page.goBack();
  await phone.page.getByRole("link", { name: /Back to .*Tea or coffee\?/ }).tap();
  await told(phone.page, "Counted");
  assert.ok(await choice(phone.page, "Coffee").isChecked());
  await phone.leave();
  await other.leave();
});

test("a wrong code is told kindly, and can be put right", async () => {
  const poll = await server.poll("Found at last?", ["Yes", "No"]);
  const { page, leave } = await person(browser, { size: SMALL, expected: /status of 404/ });
  await page.goto(server.url);
  const field = page.getByLabel("Enter the code");
  await field.fill("12 34");
  await press(page, "Join");
  await page.getByRole("alert").filter({ hasText: "at least six digits" }).waitFor();
  await field.fill("000000");
  await press(page, "Join");
  await page
    .getByRole("alert")
    .filter({ hasText: /No poll has the code .*000.000/ })
    .waitFor();
  assert.equal(await field.getAttribute("inputmode"), "numeric");
  assert.ok(await field.evaluate((it) => it === document.activeElement && it.selectionEnd === it.value.length));
  // The whole address does as well as the digits.
  await field.fill(`http://somewhere.example/p/${poll.code}`);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Found at last?" }).waitFor();
  // A long address has scrolled the field.
  await leave({ moved: true });
});

test("an address with a code that leads nowhere asks for another", async () => {
  const { page, leave } = await person(browser, { expected: /404/ });
  await page.goto(`${server.url}/p/999999`);
  await page.getByRole("alert").filter({ hasText: "No poll has the code" }).waitFor();
  await leave();
});

test("the receipt says what became of the vote, to its voter alone", async () => {
  const poll = await server.poll("Signed for?", ["Yes", "No"]);
  const phone = await at(poll),
    stranger = await person(browser);
  await tap(phone.page, "No");
  await told(phone.page, "Counted");
  await press(phone.page, "Receipt");
  const receipt = phone.page.getByRole("dialog", { name: "Receipt for your vote" });
  await receipt.getByRole("status").filter({ hasText: "Counted" }).waitFor();
  const link = receipt.getByRole("link");
  const id = await link.textContent();
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(await receipt.textContent(), /Partition .*\d+.*record .*\d+/);
  const address = new URL(await link.getAttribute("href"), server.url);
  const asked = await phone.context.request.get(address.href);
  const fate = await asked.json();
  assert.deepEqual([fate.status, fate.pollId, fate.ballotId], ["counted", poll.id, id]);
  await receipt.getByRole("button", { name: "Copy" }).tap();
  await receipt.getByRole("button", { name: /Copied/ }).waitFor();
  await phone.page.keyboard.press("Escape");
  await receipt.waitFor({ state: "hidden" });
  assert.equal((await stranger.context.request.get(address.href)).status(), 404);
  await phone.leave();
  await stranger.context.close();
});

test("a vote can be changed until the close, and then no more", async () => {
  const poll = await server.poll("Red or blue?", ["Red", "Blue"]);
  const { page, leave } = await at(poll);
  await tap(page, "Red");
  await told(page, "Counted");
  await tap(page, "Blue");
  await counts(page, "Blue", 1, 100);
  await counts(page, "Red", 0, 0);
  assert.deepEqual(figures(await server.read(poll)), [0, 1]);
  await server.act(poll, "close");
  await page.getByText("Final result", { exact: true }).waitFor();
  await told(page, "The numbers are final");
  assert.equal(await page.locator("fieldset input:enabled").count(), 0);
  await leave();
});

test("too late: the close comes between the tap and the server", async () => {
  const poll = await server.poll("Just in time?", ["Yes", "No"]);
  const { page, leave } = await at(poll, { expected: /status of (409|504)/ });
  await tap(page, "Yes");
  await told(page, "Counted");
  // The phone does not hear of the close before its vote is answered.
  await page.routeWebSocket(/./, () => {});
  await page.route("**/vote?wait=counted", async (route) => {
    await server.act(poll, "close");
    await route.continue();
  });
  await tap(page, "No");
  await told(page, "Too late to change");
  assert.ok(await choice(page, "Yes").isChecked(), "the vote that counts is the one that is shown");
  assert.deepEqual(figures(await server.read(poll)), [1, 0]);
  await leave();
});

test("where a vote may not be changed the first one stands, in every tab", async () => {
  const poll = await server.poll("Once and for all?", ["Yes", "No"], { revote: "refuse" });
  const { page, context, leave } = await at(poll);
  const tab = await context.newPage();
  await tab.goto(`${server.url}/p/${poll.code}`);
  await live(tab);
  await page.bringToFront();
  await tap(page, "Yes");
  await told(page, "You can't change it afterwards.");
  await press(page, "Vote");
  await told(page, "Counted");
  // The other tab knows at once.
  await told(tab, "Counted");
  assert.equal(await tab.locator("fieldset input:enabled").count(), 0);
  // A tab that has forgotten does not know, but the server remembers.
  await tab.evaluate(() => localStorage.clear());
  await tab.bringToFront();
  await tab.reload();
  await tap(tab, "No");
  await press(tab, "Vote");
  await told(tab, "You have already voted");
  assert.equal(await tab.locator("fieldset input:enabled").count(), 0);
  assert.deepEqual(figures(await server.read(poll)), [1, 0]);
  await leave();
});

test("two tabs and a double tap are one voter", async () => {
  const poll = await server.poll("Once?", ["Yes", "No"]);
  const { page, context, leave } = await at(poll);
  const tab = await context.newPage();
  await tab.goto(`${server.url}/p/${poll.code}`);
  await tab.locator("fieldset").waitFor();
  await page.bringToFront();
  const sent = [];
  const answers = [];
  await context.route("**/vote?wait=counted", async (route) => {
    sent.push(route.request().postDataJSON());
    if (sent.length === 1) await new Promise((go) => answers.push(go));
    await route.continue();
  });
  await row(page, "Yes").dblclick();
  await told(page, "Sending");
  // The other tab votes before the first has been answered, and therefore before there is a cookie.
  await tab.bringToFront();
  await tap(tab, "No");
  await until(() => sent.length >= 2);
  assert.equal(sent[1].ballotId, sent[0].ballotId, "the one under way goes first");
  answers[0]();
  await told(tab, "Counted");
  await told(page, "Counted");
  await counts(tab, "No", 1, 100);
  assert.deepEqual(figures(await server.read(poll)), [0, 1]);
  await leave();
});

test("several choices, as many as the poll allows, and the button sends", async () => {
  const poll = await server.poll("Which days?", ["Mon", "Tue", "Wed"], { kind: "multiple", maxChoices: 2 });
  const { page, leave } = await at(poll, { size: SMALL });
  await told(page, "Choose up to 2 options");
  assert.ok(await page.getByRole("button", { name: "Vote" }).isDisabled());
  await tap(page, "Mon");
  await told(page, "1 more may be chosen");
  await tap(page, "Wed");
  await told(page, "No more may be chosen");
  assert.ok(await page.getByRole("checkbox", { name: "Tue" }).isDisabled());
  await press(page, "Vote");
  await told(page, "Counted");
  assert.deepEqual(figures(await server.read(poll)), [1, 0, 1]);
  // This page began without a cookie, too, and may hear of its own vote after the receipt.
  await counts(page, "Mon", 1, 100);
  await tap(page, "Mon");
  await press(page, "Change my vote");
  await counts(page, "Mon", 0, 0);
  assert.deepEqual(figures(await server.read(poll)), [0, 0, 1]);
  await leave();
});

test("killed in the middle of a vote: it goes through under the same ballot id, to the exact tally", async (t) => {
  // Faults are ordered here: the first vote reaches the server, and its answer is thrown away.
  server.line.honest = true;
  t.after(() => {
    server.line.honest = false;
  });
  const poll = await server.poll("Will it survive?", ["Yes", "No"]);
  await server.votes(poll, 2, 3);
  const { page, leave } = await at(poll, { expected: NO_SERVER });
  await live(page);
  const sent = [];
  await page.route("**/vote?wait=counted", async (route) => {
    sent.push(route.request().postDataJSON().ballotId);
    if (sent.length > 1) return route.continue();
    // The first vote reaches the log, and nobody hears the answer.
    await route.fetch();
    await server.kill();
    return route.abort();
  });
  await tap(page, "Yes");
  await told(page, "Not through yet");
  await page.getByText(/Next try in|Trying again now/).waitFor();
  await page
    .locator("header")
    .getByText(/Connecting|Reconnecting/)
    .waitFor();
  await server.restart();
  await told(page, "Counted");
  assert.ok(sent.length > 1);
  assert.equal(new Set(sent).size, 1, `one ballot under several ids: ${sent}`);
  await live(page);
  await server.act(poll, "close");
  await page.getByText("Final result", { exact: true }).waitFor();
  assert.deepEqual(figures(await server.read(poll)), [1, 3]);
  await counts(page, "Yes", 1, 25);
  await counts(page, "No", 3, 75);
  await leave();
});

test("a vote cast offline waits on the phone, also through a reload", async () => {
  const poll = await server.poll("In a tunnel?", ["Yes", "No"]);
  const { page, context, leave } = await at(poll, { expected: NO_SERVER });
  await live(page);
  await context.setOffline(true);
  await tap(page, "Yes");
  await told(page, "Saved on this phone");
  assert.equal((await server.read(poll)).totalVoters, 0);
  await context.setOffline(false);
  await told(page, "Counted");
  assert.equal((await server.read(poll)).totalVoters, 1);

  // While its server cannot be reached the page is left. Opened again, even at another address, it sends what
  // it could not send.
  await page.route("**/vote?wait=counted", (route) => route.abort());
  await tap(page, "No");
  await told(page, "Not through yet");
  await page.unroute("**/vote?wait=counted");
  await page.goto(server.url);
  await until(async () => figures(await server.read(poll)).join() === "0,1", { what: "the vote is sent" });
  await page.goBack();
  await told(page, "Counted");
  assert.ok(await choice(page, "No").isChecked());
  await leave();
});

for (const [turnout, line, secret] of [
  ["shown", /^5 have voted; results come later$/, /"(votes|totalVotes)":\d/],
  ["hidden", "Results are shown later", /"(votes|totalVotes|totalVoters)":\d/],
])
  test(`hidden results reach nobody before the reveal, and then move nothing; turnout is ${turnout}`, async () => {
    const poll = await server.poll("Who wins?", ["Castor", "Pollux"], { results: "hidden", turnout });
    await server.votes(poll, 2, 4);
    const { page, leave } = await person(browser, { size: SMALL });
    const heardNone = overhear(page);
    await page.goto(`${server.url}/p/${poll.code}`);
    await tap(page, "Castor");
    await told(page, "Counted");
    await page.getByText(line).waitFor();
    assert.equal(
      await page
        .getByRole("group")
        .locator(".result")
        .evaluateAll((all) => all.map((one) => one.textContent.trim()).join("")),
      "",
    );
    assert.equal(await page.getByText("Results as a table").count(), 0);
    const before = await row(page, "Castor").boundingBox();
    await heardNone(secret);
    await server.act(poll, "reveal");
    await counts(page, "Pollux", 4, 80);
    assert.deepEqual(await row(page, "Castor").boundingBox(), before);
    await leave();
  });

test("results after the vote come with the vote", async () => {
  const poll = await server.poll("And the others?", ["This", "That"], { results: "afterVote" });
  await server.votes(poll, 1, 2);
  const { page, leave } = await at(poll);
  await page.getByText("2 have voted; results once you do").waitFor();
  await tap(page, "That");
  await counts(page, "This", 2, 67);
  await counts(page, "That", 1, 33);
  await page.getByText("Results as a table").tap();
  await page.getByRole("row", { name: /That 1 33/ }).waitFor();
  await leave({ moved: true });
});

test("a poll closes by itself, and counts down to it", async () => {
  // There is enough time for a page that comes late, over a line on which something else answers.
  const poll = await server.poll("Quick!", ["Yes", "No"], { closesAt: new Date(Date.now() + 15_000).toISOString() });
  const { page, leave } = await at(poll);
  await page
    .getByRole("timer")
    .filter({ hasText: /Closes in .*0:0[1-4]/ })
    .waitFor();
  await page.getByText("Final result", { exact: true }).waitFor();
  await told(page, "This poll is closed");
  await leave();
});

test("many browsers at once come to the exact tally", async () => {
  const options = ["One", "Two", "Three"];
  const poll = await server.poll("All together?", options);
  const room = await Promise.all(Array.from({ length: 9 }, () => at(poll)));
  await Promise.all(room.map(({ page }, i) => tap(page, options[i % 3])));
  await Promise.all(room.map(({ page }) => told(page, "Counted")));
  await Promise.all(room.slice(0, 2).map(({ page }) => tap(page, "Three")));
  for (const { page } of room) await counts(page, "Three", 5, 56);
  await server.act(poll, "close");
  for (const { page } of room) {
    await page.getByText("Final result", { exact: true }).waitFor();
    for (const [option, votes, share] of [
      ["One", 2, 22],
      ["Two", 2, 22],
      ["Three", 5, 56],
    ])
      await counts(page, option, votes, share);
  }
  assert.deepEqual(figures(await server.read(poll)), [2, 2, 5]);
  for (const { leave } of room) await leave();
});

test("whoever joined an event is led to each next question, and waits in between", async () => {
  const event = await server.call("POST", "/api/events", { body: { title: "Rust Conf", accent: "#0B5CAD" } });
  const token = event.ownerToken;
  const add = (question, options, rest = {}) =>
    server.call("POST", `/api/events/${event.id}/polls`, { token, body: { question, options, ...rest } });
  const show = (poll) =>
    server.call("POST", `/api/events/${event.id}/show`, { token, body: { poll: poll?.id ?? null } });
  const first = await add("Which talk?", ["This one", "That one"]);
  const second = await add("Which room?", ["Left", "Right"], { kind: "multiple", maxChoices: 2 });
  const { page, leave } = await person(browser, { expected: NO_SERVER });
  await page.goto(server.url);
  await page.getByLabel("Enter the code").fill(event.code);
  await press(page, "Join");
  await page.getByRole("heading", { name: /Waiting for .*Rust Conf.* to begin/ }).waitFor();
  await live(page);

  await show(first);
  await page.getByRole("heading", { name: "Which talk?" }).waitFor();
  await tap(page, "That one");
  await told(page, "Counted");
  await page.locator("header").getByText("Rust Conf", { exact: true }).waitFor();

  // A vote that is still on its way goes on, whatever is on the screen.
  const held = [];
  await page.route("**/vote?wait=counted", async (route) => {
    if (held.push(route) === 1) return;
    await route.continue();
  });
  await tap(page, "This one");
  await told(page, "Sending");
  await show(second);
  await page.getByRole("heading", { name: "Which room?" }).waitFor();
  await page.getByText("A vote in an earlier question still waits").waitFor();
  assert.ok(await page.getByRole("heading", { name: "Which room?" }).evaluate((it) => it === document.activeElement));
  await held[0].abort();
  await page.getByText("A vote in an earlier question").waitFor({ state: "detached" });
  assert.deepEqual(figures(await server.read(first)), [1, 0]);
  await tap(page, "Right");
  await press(page, "Vote");
  await told(page, "Counted");

  await show(null);
  await page.getByRole("heading", { name: /Waiting for/ }).waitFor();
  await show(first);
  await page.getByRole("heading", { name: "Which talk?" }).waitFor();
  await told(page, "Counted");
  assert.ok(await choice(page, "This one").isChecked());
  assert.equal(new URL(page.url()).pathname, `/p/${event.code}`);
  await leave();
});

test("this device runs the poll: it leads to the studio, and has no controls here", async () => {
  const poll = await server.poll("Whose?", ["Mine", "Yours"]);
  const { page, leave } = await at(poll);
  assert.equal(await page.getByRole("link", { name: /studio/ }).count(), 0);
  await page.evaluate(
    ([id, token]) => localStorage.setItem(`pollux.token.${id}`, JSON.stringify(token)),
    [poll.id, poll.ownerToken],
  );
  await page.reload();
  const link = page.getByRole("link", { name: /studio/ });
  await link.waitFor();
  assert.equal(await link.getAttribute("href"), `/studio#poll=${poll.id}`);
  await leave();
});

test("where no socket gets through a stream does, and where neither does the phone asks", async () => {
  const poll = await server.poll("Behind a proxy?", ["Yes", "No"]);
  const { page, leave } = await person(browser, { expected: NO_SERVER });
  await page.routeWebSocket(/\/ws/, (socket) => socket.close());
  await page.goto(`${server.url}/p/${poll.code}`);
  await live(page);
  await server.votes(poll, 1, 1);
  await counts(page, "Yes", 1, 100);
  await page.route(/\/api\/events\?/, (route) => route.abort());
  await page.reload();
  await live(page, "Updated every 2 s");
  await server.votes(poll, 2, 1);
  await counts(page, "No", 1, 50);
  await tap(page, "No");
  await told(page, "Counted");
  await counts(page, "No", 2, 67);
  await leave();
});
