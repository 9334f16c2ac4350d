// Tests that only Pollux's own answers count. When something else answers in its place, a ballot waits and is
// sent again under the same id, screens keep what they show, and an organiser's change happens once.

import assert from "node:assert/strict";
import { afterEach } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { person, STAGE } from "./browser.mjs";
import { inHall, sampled, test } from "./harness.mjs";
import { WRONG } from "./line.mjs";
import { at as joined, figures, live, NO_SERVER, stands, tap, told } from "./phone.mjs";
import { until } from "./until.mjs";

const { server, browser } = await inHall();
afterEach(() => server.line.forget());

const at = (poll, rest) => joined(browser, server, poll, { expected: NO_SERVER, ...rest });
const voteIn = (poll) => new RegExp(`^POST /api/polls/${poll.id}/vote`);
const json = (status, body, type = "application/json") => ({ status, type, body: JSON.stringify(body) });
/** Answers that have everything that one of ours has, and more. */
const ALIKE = {
  "a receipt without a ballot": json(200, { status: "counted" }),
  "another ballot's receipt": json(200, {
    status: "superseded",
    ballotId: "01990000-0000-7000-8000-000000000001",
    pollId: "01990000-0000-7000-8000-000000000002",
    position: null,
  }),
  "a list": json(202, []),
  "half a page that calls itself JSON": { status: 200, type: "application/json", body: "<!doctype html>" },
  "another product's problem": json(404, { type: "about:blank", title: "Not Found" }, "application/problem+json"),
  "another product's refusal": json(409, { error: "conflict" }),
};

for (const [name, wrong] of [...WRONG.map((name) => [name, name]), ...Object.entries(ALIKE)]) {
  test(`a vote answered by ${name} gets through, once, as the same ballot`, async () => {
    const poll = await server.poll("Does it arrive?", ["Yes", "No"]);
    const { page, leave } = await at(poll);
    await live(page);
    const crowd = server.crowd(poll);
    server.line.order(voteIn(poll), wrong);
    await tap(page, "No");
    await told(page, "Counted");
    const sent = server.line.heard(voteIn(poll)).map(({ body }) => JSON.parse(body).ballotId);
    assert.ok(sent.length > 1);
    assert.equal(new Set(sent).size, 1, `one ballot under several ids: ${sent}`);
    const {
        votes: [yes, no],
        voters,
      } = await crowd.leave(),
      now = await server.counted(poll, voters + 1);
    assert.deepEqual([...figures(now), now.totalVoters], [yes, no + 1, voters + 1]);
    await stands(page, [yes, no + 1]);
    await leave();
  });
}

/** Collects every text that stands in the page, as it comes and goes, for as long as the page is open. */
const watchWords = () => {
  window.words = [];
  const take = () => {
    const now = document.body?.innerText;
    if (now !== window.words.at(-1)) window.words.push(now);
  };
  new MutationObserver(take).observe(document, { childList: true, subtree: true, characterData: true });
};
/** Asserts that meanwhile the pages never said `never`, and always said `always`. */
async function said(pages, { never, always }) {
  for (const page of pages) {
    for (const words of await page.evaluate(() => window.words)) {
      assert.doesNotMatch(words, never);
      assert.match(words, always);
    }
  }
}

// This many stands for "every request from now on".
const ALL = 1e9;
for (const [register, [name, wrong]] of sampled([
  ["one stranger after the other", ["portal", "json", "filter", "gateway", "login"]],
  ["a proxy's 404", "missing"],
])) {
  register(`four seconds in which everything is answered by ${name}: every screen keeps what it shows`, async () => {
    const event = await server.call("POST", "/api/events", { body: { title: "A day" } });
    const poll = await server.call("POST", `/api/events/${event.id}/polls`, {
      token: event.ownerToken,
      body: { question: "Still there?", options: ["Yes", "No"], open: true },
    });
    await server.call("POST", `/api/events/${event.id}/show`, { token: event.ownerToken, body: { poll: poll.id } });
    await server.votes(poll, 1, 3);
    const expected = /./;
    const phone = await at(poll, { path: `/p/${event.code}`, expected });
    const [stage, studio, overlay] = await Promise.all([1, 2, 3].map(() => person(browser, { size: STAGE, expected })));
    await stage.page.goto(`${server.url}/present/${event.id}`);
    await studio.page.goto(`${server.url}/studio#event=${event.id}&token=${event.ownerToken}`);
    await overlay.page.goto(`${server.url}/overlay/${event.id}`);
    const pages = [phone, stage, studio, overlay].map(({ page }) => page);
    for (const page of pages) await page.getByText("Still there?").first().waitFor();
    await live(phone.page);
    await studio.page.getByText("3 voters").first().waitFor();
    for (const page of pages) await page.evaluate(watchWords);
    server.line.order(/./, wrong, ALL);
    server.line.cut();
    await pause(4_000);
    await said(pages, { never: /no such poll|Enter the code|No poll has|gone|not here/i, always: /Still there\?/ });
    server.line.forget();
    await server.votes(poll, 2, 2);
    await live(phone.page);
    await stands(phone.page, [3, 2]);
    await stage.page.locator("footer").getByText("5 votes", { exact: true }).waitFor();
    await studio.page.getByText("5 voters").first().waitFor({ timeout: 30_000 });
    await overlay.page.getByText("40%").first().waitFor();
    await said(pages, { never: /no such poll|Enter the code|No poll has/i, always: /Still there\?/ });
    for (const { leave } of [phone, stage, studio, overlay]) await leave({ moved: true });
  });
}

test("six tabs where sockets are blocked can all vote, and all see it", async () => {
  const poll = await server.poll("Six of one?", ["Yes", "No"]);
  server.line.order(/^GET \/ws/, "dropped", ALL);
  const first = await at(poll);
  const tabs = [first.page];
  while (tabs.length < 6) tabs.push(await first.context.newPage());
  await Promise.all(tabs.slice(1).map((tab) => tab.goto(`${server.url}/p/${poll.code}`)));
  for (const tab of tabs)
    await tab.locator("header [data-state=live], header [data-state=polling]").waitFor({ timeout: 30_000 });
  for (const [i, tab] of tabs.entries()) {
    await tab.bringToFront();
    await tap(tab, i % 2 ? "No" : "Yes");
    await told(tab, "Counted");
  }
  const now = await server.read(poll);
  assert.deepEqual([...figures(now), now.totalVoters], [0, 1, 1]);
  for (const tab of tabs) await stands(tab, [0, 1]);
  await first.leave({ moved: true });
});

/** Opens the studio of an event's owner, with a poll of the event on stage. */
async function studio() {
  const event = await server.call("POST", "/api/events", { body: { title: "Once" } });
  const add = (question) =>
    server.call("POST", `/api/events/${event.id}/polls`, {
      token: event.ownerToken,
      body: { question, options: ["Yes", "No"], results: "hidden" },
    });
  const polls = [await add("First?"), await add("Second?"), await add("Third?")];
  const who = await person(browser, { size: STAGE, expected: NO_SERVER });
  await who.page.goto(`${server.url}/studio#event=${event.id}&token=${event.ownerToken}`);
  const read = async (i = 0) => server.call("GET", `/api/polls/${polls[i].id}`, { token: event.ownerToken });
  return {
    ...who,
    event,
    polls,
    read,
    press: (name) => who.page.getByRole("region", { name: "On stage" }).getByRole("button", { name }).first().click(),
    current: async () => (await server.call("GET", `/api/events/${event.id}`)).current,
  };
}

for (const [register, wrong] of sampled(["lost", "portal", "json", "missing", "cut"], 2)) {
  register(`a change by the organiser answered by ${wrong} happens, and happens once`, async () => {
    const { page, polls, press, read, current, leave } = await studio();
    const order = (what, times) =>
      server.line.order(new RegExp(`^POST /api/(polls|events)/[^/]+/${what}`), wrong, times);
    /** Waits until Pollux itself has answered `times` of these requests and the studio has heard it. */
    const brought = async (what, times = 1) => {
      await until(
        async () =>
          server.line.heard(new RegExp(`/${what}(\\?|$)`)).filter(({ answer }) => Number(answer)).length >=
          times + before.get(what),
      );
      await page.getByText("No answer yet; trying again…").waitFor({ state: "detached" });
    };
    const before = new Map(
      ["show", "reveal", "close", "reopen", "reset"].map((what) => [
        what,
        server.line.heard(new RegExp(`/${what}(\\?|$)`)).filter(({ answer }) => Number(answer)).length,
      ]),
    );
    order("show");
    await press("Show the first");
    await until(async () => (await current()) === polls[0].id);
    await page.getByRole("region", { name: "On stage" }).getByRole("link", { name: "First?" }).waitFor();
    await brought("show");
    order("show");
    await press("Show next");
    await until(async () => (await current()) === polls[1].id);
    await page.getByRole("region", { name: "On stage" }).getByRole("link", { name: "Second?" }).waitFor();
    await brought("show", 2);
    for (const [act, name, is] of [
      ["reveal", "Reveal results", (poll) => poll.revealed],
      ["close", "Close", (poll) => poll.status === "closed"],
      ["reopen", "Reopen", (poll) => poll.status === "open"],
    ]) {
      order(act);
      await press(name);
      await until(async () => is(await read(1)));
      await brought(act);
    }
    await server.votes({ id: polls[1].id }, 1, 2);
    await server.hush(polls[1]);
    // When a used connection ends without an answer, Chromium repeats the request by itself, once for each
    // such connection that it has. So nothing gets through until the studio has seen that it has no answer.
    order("reset", 99);
    await press("Reset…");
    await page
      .getByRole("dialog")
      .getByRole("button", { name: /^Reset/ })
      .click();
    await page.getByText("No answer yet; trying again…").waitFor();
    server.line.forget();
    await until(async () => (await read(1)).round === 2);
    await brought("reset");
    // The studio is told of its own change, so nothing is under way any more that could happen twice.
    await page.getByRole("region", { name: "On stage" }).getByText("0 voters").waitFor();
    await page.locator("[data-link=live]").first().waitFor({ state: "attached" });
    await until(() => server.line.heard(/^POST /).every(({ answer }) => answer !== null));
    const now = await read(1);
    assert.deepEqual([now.round, now.status, await current()], [2, "open", polls[1].id]);
    assert.deepEqual(await page.getByRole("alert").filter({ hasText: /\S/ }).allTextContents(), []);
    await leave({ moved: true });
  });
}
