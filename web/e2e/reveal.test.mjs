// Tests what the stage holds back and then shows: hidden results, the turnout until then, the last seconds, and who
// has won.

import assert from "node:assert/strict";
import { still } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import { eventOf, moves, openOn, reaches, rows, shownRows, stageIn, total, watchMoves } from "./stage.mjs";
import { turnoutStandsFree } from "./turnout.mjs";

const { server, browser } = await inHall();

const stage = (rest) => stageIn(browser, rest);
const open = (page, path, on = server) => openOn(page, on, path);
const event = (...asked) => eventOf(server, ...asked);

test("hidden results stay hidden, also before the owner, and are sorted at the reveal alone", async () => {
  const poll = await server.poll("Who wins?", ["Castor", "Pollux", "Helen"], { results: "hidden" });
  await server.votes(poll, 2, 4);
  await server.votes(poll, 3, 1);
  const { page, leave } = await stage();
  await open(page, `/present/${poll.id}#token=${poll.ownerToken}`);
  // The number of voters is shown large, and no results.
  await total(page, "5 have voted");
  await turnoutStandsFree(page, 5);
  const places = () =>
    rows(page).evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top).sort((a, b) => a - b));
  const before = await places();
  assert.doesNotMatch((await rows(page).allTextContents()).join(), /\d/);
  assert.doesNotMatch(await page.locator("table").textContent(), /\d/);
  await reaches(page, "Pollux", 0);
  await watchMoves(page);
  await page.keyboard.press("Space");
  // The rows are read at the moment at which the figures appear: a second question may take longer than the
  // bars do.
  const unveiled = await page.waitForFunction(
    () =>
      document.querySelector("footer").innerText.includes("5 votes") &&
      [...document.querySelectorAll("ol[aria-label=Results] .text")].map((one) => one.textContent),
  );
  assert.deepEqual(await unveiled.jsonValue(), ["Castor", "Pollux", "Helen"], "sorted before the bars have grown");
  await reaches(page, "Pollux", 0.8);
  await page.waitForFunction(() => document.querySelector("ol .text").textContent === "Pollux");
  assert.deepEqual(await shownRows(page), ["Pollux", "Helen", "Castor"]);
  assert.ok(
    (await moves(page)).some((text) => text.includes("Castor")),
    "nothing glided",
  );
  await still(page);
  assert.deepEqual(await places(), before, "the rows stand elsewhere since turnout gave way to them");
  assert.equal(await page.locator("[data-turnout]").count(), 0);
  // From now on rows stay in place again.
  await server.votes(poll, 1, 6);
  await total(page, "11 votes");
  assert.deepEqual(await shownRows(page), ["Pollux", "Helen", "Castor"]);
  await leave({ moved: true });
});

const TURNOUT =
  "turnout stands where nothing is written, whatever is asked, and not at all where the organiser hides " + "it";
test(TURNOUT, async () => {
  const long =
    "An option whose text goes on for so long that it needs every bit of the room that there is " +
    "beside its figures, twice over";
  for (const options of [[long, long.toUpperCase(), "No"], Array.from({ length: 14 }, (_, i) => `${i + 1}: ${long}`)]) {
    for (const layout of ["bars", "columns"]) {
      const made = await event([{ question: "Which?", options, results: "hidden" }], { layout });
      await server.votes(made.polls[0], 1, 5);
      const { page, leave } = await stage();
      await open(page, `/present/${made.code}`);
      await turnoutStandsFree(page, 5);
      await leave({ moved: true });
    }
  }
  const secret = await server.poll("Not even that?", ["Yes", "No"], { results: "hidden", turnout: "hidden" });
  await server.votes(secret, 1, 5);
  const { page, leave } = await stage();
  // The owner may see the results; the room may not.
  await open(page, `/present/${secret.id}#token=${secret.ownerToken}`);
  await total(page, "Results are hidden");
  await page.keyboard.press("i");
  await page.getByText("The numbers are hidden until the reveal").waitFor();
  assert.equal(await page.locator("[data-turnout]").count(), 0);
  await leave({ moved: true });
});

test("the last seconds, the count of the last votes, and the winner", async () => {
  const poll = await server.poll("Is it over?", ["Yes", "No"], {
    closesAt: new Date(Date.now() + 15_000).toISOString(),
  });
  await server.votes(poll, 1, 3);
  await server.votes(poll, 2, 1);
  const { page, leave } = await stage();
  await open(page, `/present/${poll.id}?proof=1`);
  await page.locator("aside").getByText("Closes in").waitFor();
  await page
    .locator("footer")
    .getByText(/Closes in 0:0\d/)
    .waitFor();
  const outcome = page.getByRole("group", { name: "Outcome" });
  await outcome.getByText("Final result").waitFor();
  assert.equal(
    await outcome.ariaSnapshot(),
    [
      '- group "Outcome":',
      "  - paragraph: Final result",
      '  - paragraph: "Yes"',
      "  - paragraph: 75%",
      "  - paragraph: 3 of 4 votes",
    ].join("\n"),
  );
  const { resultHash } = await server.read(poll);
  assert.match(resultHash, /^[0-9a-f]{64}$/);
  const proof = page.getByRole("group", { name: "Proof" });
  await proof.getByText("4 votes, all counted", { exact: true }).waitFor();
  await proof.getByText(`${resultHash.slice(0, 4)}…${resultHash.slice(-4)}`).waitFor();
  await proof.getByText("pollux recount").waitFor();
  await proof.getByRole("button").click();
  await proof.getByText(resultHash, { exact: true }).waitFor();
  await leave({ moved: true });
});

test("a tie is called one", async () => {
  const poll = await server.poll("Evenly?", ["Salt", "Pepper", "Neither"]);
  await server.votes(poll, 1, 2);
  await server.votes(poll, 2, 2);
  await server.act(poll, "close");
  const { page, leave } = await stage();
  await open(page, `/present/${poll.id}`);
  assert.equal(
    await page.getByRole("group", { name: "Outcome" }).ariaSnapshot(),
    [
      '- group "Outcome":',
      "  - paragraph: Final result",
      "  - paragraph: A tie of 2",
      "  - list:",
      "    - listitem: A Salt",
      "    - listitem: B Pepper",
      "  - paragraph: 2 votes each · 50%",
    ].join("\n"),
  );
  await leave();
});
