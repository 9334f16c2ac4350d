// Tests clocks that jump and differ: a voter's later ballot counts, or the voter is told that it does not; a
// poll's time begins when the poll opens.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { person, STAGE } from "./browser.mjs";
import { browserClock, ServerClock } from "./clocks.mjs";
import { inHall, sampled, test } from "./harness.mjs";
import { at as joined, figures, live, stands, tap, told } from "./phone.mjs";
import { Pollux } from "./pollux.mjs";
import { until } from "./until.mjs";

const HOUR = 3_600;
const { server, browser } = await inHall();

/** Returns a ballot id of this time: a UUIDv7. */
function ballotAt(ms) {
  const hex = Math.floor(ms).toString(16).padStart(12, "0"),
    rest = Math.random().toString(16).slice(2).padEnd(15, "0");
  const node = rest.slice(3, 15).padEnd(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${rest.slice(0, 3)}-8${rest.slice(3, 6)}-${node}`;
}
const vote = (poll, body, on = server) => on.call("POST", `/api/polls/${poll.id}/vote?wait=counted`, { body });

for (const [register, [was, is]] of sampled([
  [HOUR, 0],
  [0, -HOUR],
  [0, HOUR],
  [-HOUR, 0],
])) {
  const JUMP =
    `the server's clock is ${was} s ahead and jumps to ${is}: the phone changes its vote, and the later ` +
    "wish counts";
  register(JUMP, async (t) => {
    const clock = new ServerClock(was);
    const jumping = await Pollux.start({ env: clock.env });
    t.after(() => jumping.stop());
    const poll = await jumping.poll("What time is it?", ["Early", "Late"]);
    const off = (Date.parse(poll.createdAt) - Date.now()) / 1_000;
    assert.ok(Math.abs(off - was) < 60, `the server's clock is ${off} s ahead`);
    const { page, leave } = await joined(browser, jumping, poll);
    const crowd = jumping.crowd(poll);
    await tap(page, "Early");
    await told(page, "Counted");
    clock.set(is);
    await tap(page, "Late");
    await told(page, "Counted");
    await tap(page, "Early");
    await told(page, "Counted");
    await tap(page, "Late");
    await told(page, "Counted");
    const {
        votes: [early, late],
        voters,
      } = await crowd.leave(),
      now = await jumping.counted(poll, voters + 1);
    assert.equal(crowd.unknown + crowd.refused, 0);
    assert.deepEqual([...figures(now), now.totalVoters], [early, late + 1, voters + 1]);
    await stands(page, [early, late + 1]);
    await leave();
  });
}

/**
 * Starts a server whose clock is an hour ahead, on a line that does only what it is told, with a poll and a
 * phone that shows it.
 */
async function early(t, rest = {}) {
  const clock = new ServerClock(HOUR);
  const jumping = await Pollux.start({ env: clock.env });
  jumping.line.honest = true;
  t.after(() => jumping.stop());
  const poll = await jumping.poll("What time is it?", ["Early", "Late"]);
  return { clock, jumping, poll, ...(await joined(browser, jumping, poll, rest)) };
}
const votes = ({ jumping, poll }) => jumping.line.heard(new RegExp(`^POST /api/polls/${poll.id}/vote`));

test("the server's clock is set back before the first vote, its header is not: the vote gets through", async (t) => {
  // A proxy may send such a `Date`, and so may a server that wrote the header before its clock was set. The
  // poll may be shown, by its socket, while the page's first questions are still under way: no answer to them
  // may tell the true time either.
  const prepare = (page) =>
    page.route("**/api/**", async (route) => {
      const response = await route.fetch();
      const date = new Date(Date.now() + HOUR * 1_000).toUTCString();
      await route.fulfill({ response, headers: { ...response.headers(), date } });
    });
  const one = await early(t, { expected: /Failed to load resource/, prepare }),
    { clock, jumping, poll, page } = one;
  const crowd = jumping.crowd(poll);
  clock.set(0);
  await tap(page, "Late");
  await told(page, "Counted");
  assert.deepEqual(
    votes(one)
      .slice(0, 2)
      .map(({ answer }) => answer),
    [422, 200],
  );
  const {
      votes: [first, second],
      voters,
    } = await crowd.leave(),
    now = await jumping.counted(poll, voters + 1);
  assert.deepEqual([...figures(now), now.totalVoters], [first, second + 1, voters + 1]);
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await one.leave();
});

for (const [register, wrong] of sampled(["lost", "dropped", "gateway"])) {
  register(`a first vote meets “${wrong}”, and the server's clock is set back: the vote counts, once`, async (t) => {
    const one = await early(t, { expected: /Failed to load resource/ }),
      { clock, jumping, poll, page } = one;
    jumping.line.order(/^POST .*vote/, wrong);
    const crowd = jumping.crowd(poll);
    await tap(page, "Late");
    await until(() => votes(one)[0]?.answer);
    clock.set(0);
    // A ballot whose answer was lost may have been counted by then, and a dropped one is repeated by the
    // browser itself at once.
    if (wrong === "gateway") await page.getByText(/The server's clock was set, .*it counts only once/).waitFor();
    // The phone waits until the server must have decided a first try that has reached it.
    await told(page, "Counted", 90_000);
    const {
        votes: [first, second],
        voters,
      } = await crowd.leave(),
      now = await jumping.counted(poll, voters + 1);
    assert.deepEqual([...figures(now), now.totalVoters], [first, second + 1, voters + 1]);
    await one.leave();
  });
}

for (const [register, ahead] of sampled([HOUR, -HOUR, 120, -120])) {
  register(`a phone's clock is ${ahead} s ahead, then right, then as far behind: it votes and changes`, async () => {
    const poll = await server.poll("Whose time?", ["Mine", "Yours"]);
    const { context, page, leave } = await person(browser);
    const clock = await browserClock(context, ahead);
    await page.goto(`${server.url}/p/${poll.code}`);
    await live(page);
    const crowd = server.crowd(poll);
    for (const [now, option] of [
      [ahead, "Mine"],
      [ahead, "Yours"],
      [0, "Mine"],
      [-ahead, "Yours"],
      [ahead, "Mine"],
      [0, "Yours"],
    ]) {
      await clock.set(page, now);
      await tap(page, option);
      await told(page, "Counted");
    }
    await page.reload();
    await tap(page, "Mine");
    await told(page, "Counted");
    const {
        votes: [mine, yours],
        voters,
      } = await crowd.leave(),
      now = await server.counted(poll, voters + 1);
    assert.deepEqual([...figures(now), now.totalVoters], [mine + 1, yours, voters + 1]);
    await stands(page, [mine + 1, yours]);
    await leave();
  });
}

test("a ballot named 50 s ahead, then one that the server names: the second counts", async () => {
  const poll = await server.poll("Which is later?", ["First", "Second"]);
  await vote(poll, { optionId: 1, voterId: "v", ballotId: ballotAt(Date.now() + 50_000) });
  assert.equal((await vote(poll, { optionId: 2, voterId: "v" })).status, "counted");
  assert.deepEqual(figures(await server.read(poll)), [0, 1]);
});

test("of one voter's two devices one is 2 minutes slow and votes last: it is told what counts", async () => {
  const poll = await server.poll("Which device?", ["Quick", "Slow"]);
  const quick = ballotAt(Date.now()),
    slow = ballotAt(Date.now() - 120_000);
  await vote(poll, { optionId: 1, voterId: "v", ballotId: quick });
  const receipt = await vote(poll, { optionId: 2, voterId: "v", ballotId: slow }),
    now = figures(await server.read(poll));
  assert.deepEqual([receipt.status, receipt.supersededBy, now], ["superseded", quick, [1, 0]]);
});

test("a poll closes so long after it opens, whenever it was written", async () => {
  const poll = await server.poll("Two seconds?", ["Yes", "No"], { open: false, closesAfter: 2 });
  await pause(2_500);
  const { page, leave } = await person(browser, { size: STAGE, expected: /status of 404|response code: 404/ });
  await page.goto(`${server.url}/present/${poll.id}#token=${poll.ownerToken}`);
  await page.getByText("This poll is not open yet").waitFor();
  const asked = Date.now(),
    closesAt = Date.parse((await server.act(poll, "open")).closesAt),
    answered = Date.now();
  assert.ok(
    closesAt >= asked + 2_000 && closesAt <= answered + 2_000,
    `asked at ${asked}, answered at ${answered}, it closes at ${closesAt}`,
  );
  await page.getByRole("group", { name: "Outcome" }).getByText("Final result").waitFor();
  assert.equal((await server.read(poll)).status, "closed");
  await leave({ moved: true });
});

test("a draft whose closing time has passed opens without one: its organiser is told, the hall is not", async () => {
  const event = await server.call("POST", "/api/events", { body: { title: "Overslept" } });
  const add = (question, rest) =>
    server.call("POST", `/api/events/${event.id}/polls`, {
      token: event.ownerToken,
      body: { question, options: ["Yes", "No"], open: false, ...rest },
    });
  const closesAt = new Date(Date.now() + 3_000).toISOString();
  await add("The first?");
  const poll = await add("Is it too late?", { closesAt });
  const [stage, studio, phone] = [
    await person(browser, { size: STAGE }),
    await person(browser, { size: STAGE }),
    await person(browser),
  ];
  await stage.page.goto(`${server.url}/present/${event.id}#token=${event.stageToken}`);
  await studio.page.goto(`${server.url}/studio#event=${event.id}&token=${event.ownerToken}`);
  await phone.page.goto(`${server.url}/p/${event.code}`);
  await stage.page.locator("main:not(.word) [data-link=live]").waitFor();
  await until(() => Date.now() >= Date.parse(closesAt) + 500);
  await stage.page.keyboard.press("ArrowRight");
  await stage.page.getByRole("heading", { name: "The first?" }).waitFor();
  await stage.page.keyboard.press("ArrowRight");
  await stage.page.getByRole("heading", { name: "Is it too late?" }).waitFor();
  const words = await stage.page.evaluate(() => document.querySelector("main").innerText);
  assert.doesNotMatch(words, /past|future|missed|passed|too late to/i);
  const known = await server.read(poll),
    owned = await server.read(poll, event.ownerToken);
  assert.deepEqual([known.status, known.closesAt, owned.missedClosesAt], ["open", null, closesAt]);
  assert.ok(!("missedClosesAt" in known) || known.missedClosesAt === null, "everybody is told");
  await studio.page
    .getByRole("status")
    .filter({ hasText: /Is it too late\?.* had passed, so it is open without a limit/ })
    .waitFor();
  await phone.page.getByRole("heading", { name: "Is it too late?" }).waitFor();
  assert.doesNotMatch(await phone.page.locator("main").innerText(), /past|missed|passed/i);
  for (const { leave } of [stage, studio, phone]) await leave({ moved: true });
});
