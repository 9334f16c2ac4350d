// Tests that an organiser's change happens once although its answer is lost, and what a page does whose words
// do not come. Votes and what screens show are in answers.test.mjs.

import assert from "node:assert/strict";
import { person, STAGE } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import { organiserIn, press } from "./studio.mjs";
import { until } from "./until.mjs";

/** What a browser writes into the console about broken answers. */
const NOISE = /Failed to load resource|WebSocket connection|ERR_/;

const { server, browser } = await inHall();
// Each test says what answers in the server's place, and counts it.
server.line.honest = true;

/** Opens a device that holds these tokens. */
const organiser = (...holding) => organiserIn(browser, { holding, expected: NOISE });

/** Returns a route handler that does each of these in turn with a request, and lets the rest through. */
const inTurn = (acts) => async (route) => {
  const act = acts.shift();
  await (act ? act(route) : route.continue());
};
const PORTAL = (route) => route.fulfill({ contentType: "text/html", body: "<h1>Welcome to the airport</h1>" });
/** Lets the server do what is asked, and loses its answer. */
const LOST = async (route) => {
  await route.fetch();
  await route.abort();
};

test("the words of the page do not come, and a proxy answers: it is not loaded into that proxy's error", async () => {
  const poll = await server.poll("Words?", ["Yes", "No"]);
  const { page, leave } = await person(browser, { expected: NOISE });
  // In a build a file's name does not tell what is in it.
  let came = true;
  await page.route(/\/lang\/en\.ts|\/assets\//, async (route) => {
    const response = await route.fetch();
    if (!came || !(await response.text()).includes("It is on the screen in the room."))
      return route.fulfill({ response });
    came = false;
    return route.abort();
  });
  let heads = 0;
  await page.route(`**/p/${poll.code}`, async (route) => {
    if (route.request().method() !== "HEAD") return route.continue();
    return ++heads < 3 ? route.fulfill({ status: 502, body: "Bad gateway" }) : route.continue();
  });
  await page.goto(`${server.url}/p/${poll.code}`);
  await page.getByRole("heading", { name: "Words?" }).waitFor();
  assert.equal(heads, 3);
  await leave({ moved: true });
});

test("a portal answers all but the socket, with 200: the page stays, and goes on when the portal is gone", async () => {
  const event = await server.call("POST", "/api/events", { body: { title: "Behind a portal" } });
  const ask = (what, body) => server.call("POST", `/api/events/${event.id}/${what}`, { token: event.ownerToken, body });
  const add = (body) => ask("polls", { ...body, open: true }),
    show = (poll) => ask("show", { poll: poll.id });
  await show(await add({ question: "The choice?", options: ["Yes", "No"] }));
  const { page, leave } = await person(browser, { expected: NOISE });
  await page.goto(`${server.url}/p/${event.code}`);
  await page.getByRole("heading", { name: "The choice?" }).waitFor();
  await page.locator("header").getByText("Live", { exact: true }).waitFor();
  const heads = () => server.line.heard(new RegExp(`^HEAD /p/${event.code}`)).length;
  server.line.order(/^(GET|HEAD|POST) (?!\/ws)/, "portal", 1e9);
  await show(await add({ question: "The rating?", statements: ["It stays"] }));
  const asked = heads();
  await until(() => heads() >= asked + 3);
  await page.getByRole("heading", { name: "The choice?" }).waitFor();
  server.line.forget();
  await page.getByRole("heading", { name: "The rating?" }).waitFor();
  await leave({ moved: true });
});

test("two organisers reset at the same moment: one round, and the other is told", async () => {
  const poll = await server.poll("Both?", ["Yes", "No"]);
  await server.votes(poll, 1, 2);
  const both = [await organiser(poll), await organiser(poll)];
  let arrived = 0,
    go;
  const together = new Promise((done) => {
    go = done;
  });
  for (const { page } of both) {
    await page.route("**/reset**", async (route) => {
      if (++arrived === 2) go();
      await together;
      await route.continue();
    });
    await page.goto(`${server.url}/studio/polls/${poll.id}`);
    await press(page, "Reset…");
    await press(page, /Reset, and lose/);
  }
  const told = both.map(({ page }) => page.getByRole("alert").getByText("It has changed meanwhile").waitFor());
  await Promise.any(told);
  await Promise.all(both.map(({ page }) => page.getByText("Round 2", { exact: true }).waitFor()));
  assert.equal((await server.read(poll)).round, 2);
  await Promise.all(both.map(({ leave }) => leave({ moved: true })));
  await Promise.allSettled(told);
});

test("a new event whose answer is lost is made once, and is opened", async () => {
  const { page, leave } = await organiser();
  await page.route("**/api/events", inTurn([LOST, LOST]));
  await page.goto(`${server.url}/studio/new/event`);
  await page.getByLabel("Title").fill("Made once");
  await press(page, "Make the event");
  await page.waitForURL(/\/studio\/events\/[0-9a-f-]{36}/);
  await page.getByRole("heading", { name: "Made once", level: 1 }).waitFor();
  const events = await page.evaluate(
    () => Object.keys(localStorage).filter((name) => name.startsWith("pollux.kind.")).length,
  );
  assert.equal(events, 1);
  await leave({ moved: true });
});

const ONE_STEP =
  "a step of the stage whose answer is lost is one step; so are four presses before the screen has " + "changed";
test(ONE_STEP, async () => {
  const event = await server.call("POST", "/api/events", { body: { title: "Steps" } });
  const polls = [];
  for (const question of ["First?", "Second?", "Third?", "Fourth?"]) {
    polls.push(
      await server.call("POST", `/api/events/${event.id}/polls`, {
        body: { question, options: ["a", "b"] },
        token: event.ownerToken,
      }),
    );
  }
  const { page, leave } = await person(browser, { size: STAGE, expected: NOISE });
  await page.goto(`${server.url}/present/${event.id}#token=${event.stageToken}`);
  await page.getByRole("heading", { name: "Steps" }).waitFor();
  await page.locator("[data-link=live]").waitFor();
  const heading = (name) => page.getByRole("heading", { name }).waitFor();
  const shows = inTurn([LOST, LOST]);
  let answered = 0;
  await page.route("**/show", shows);
  page.on("requestfinished", (request) => {
    if (/\/show$/.test(request.url())) answered++;
  });
  await page.keyboard.press("ArrowRight");
  await heading("First?");
  await until(() => answered >= 1);
  // An impatient hand presses the key several times, each time while the first question is on the screen.
  await page.evaluate(() => {
    for (let i = 0; i < 4; i++) dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
  });
  await heading("Second?");
  await until(() => answered >= 5);
  const now = await server.call("GET", `/api/events/${event.id}`, { token: event.ownerToken });
  assert.equal(now.current, polls[1].id);
  assert.deepEqual(
    now.polls.map(({ status }) => status),
    ["open", "open", "draft", "draft"],
  );
  // Whoever waits for the screen goes on.
  await page.keyboard.press("ArrowRight");
  await heading("Third?");
  await page.keyboard.press("ArrowRight");
  await heading("Fourth?");
  await leave({ moved: true });
});

test("nothing of Pollux answers for long: a clear sentence with a button, and then it is done", async () => {
  const poll = await server.poll("Gone for a while?", ["Yes", "No"]);
  const { page, leave } = await organiser(poll);
  let away = true;
  await page.route("**/close**", (route) => (away ? PORTAL(route) : route.continue()));
  await page.clock.install();
  await page.goto(`${server.url}/studio/polls/${poll.id}`);
  await press(page, "Close");
  await page.getByText("No answer yet; trying again…").waitFor();
  const again = page.getByRole("button", { name: "Try again" });
  await until(async () => {
    await page.clock.runFor(1_000);
    return again.isVisible();
  }, "a button to try again");
  assert.equal((await server.read(poll)).status, "open");
  away = false;
  await again.click();
  await page.locator("[data-status=closed]").waitFor();
  assert.equal((await server.read(poll)).status, "closed");
  await leave({ moved: true });
});

test("somebody else answers a deletion: the token is forgotten only once the server has done it", async () => {
  const poll = await server.poll("Not gone yet?", ["Yes", "No"]);
  const event = await server.call("POST", "/api/events", { body: { title: "Not gone yet" } });
  const deletions = [
    [poll, `polls/${poll.id}`, "Delete…", /^Delete, and lose/],
    [event, `events/${event.id}`, "Delete the event…", /^Delete 0 polls/],
  ];
  for (const [what, path, ask, sure] of deletions) {
    const { page, leave } = await organiser(what);
    await page.goto(`${server.url}/studio/${path}`);
    const token = () => page.evaluate((id) => localStorage.getItem(`pollux.token.${id}`), what.id);
    let hold;
    const held = new Promise((go) => {
      hold = go;
    });
    const acts = [
      (route) => route.fulfill({ status: 204 }),
      async (route) => {
        await held;
        await route.continue();
      },
    ];
    await page.route(
      (url) => url.pathname === `/api/${path}`,
      async (route) => {
        if (route.request().method() === "DELETE") await (acts.shift() ?? ((one) => one.continue()))(route);
        else await route.continue();
      },
    );
    await press(page, ask);
    await press(page, sure);
    await page.getByText("No answer yet; trying again…").waitFor();
    await server.call("GET", `/api/${path}`);
    assert.ok(await token(), "the token is there while the server has it");
    assert.equal(await page.getByText(/^The (poll|event) is deleted/).count(), 0);
    hold();
    await page.waitForURL("**/studio");
    await assert.rejects(server.call("GET", `/api/${path}`, { token: what.ownerToken }), /404/);
    assert.equal(await token(), null);
    await leave({ moved: true });
  }
});
