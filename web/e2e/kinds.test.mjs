// Tests what holds for polls of every kind on the voter's phone: its page brings its own kind's script and no
// other, and whoever is led from one kind to another loses nothing.

import assert from "node:assert/strict";
import { person } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import { at, press, told } from "./phone.mjs";

const { server, browser } = await inHall();

/** A new poll of each kind, by its folder: what makes it, how its first row is marked, and what sends that. */
const KINDS = {
  choice: {
    body: { options: ["Yes", "No"], kind: "multiple" },
    mark: (page) => page.getByText("Yes", { exact: true }).tap(),
    sends: "Vote",
  },
  rating: {
    body: { statements: ["This"] },
    mark: (page) => page.locator("label.step").nth(2).tap(),
    sends: "Send my rating",
  },
  ranking: {
    body: { kind: "ranking", options: ["Yes", "No"] },
    mark: (page) => page.getByRole("button", { name: /^Yes/ }).tap(),
    sends: "Send my ranking",
  },
  points: {
    body: { kind: "points", options: ["Yes", "No"] },
    mark: (page) => page.getByRole("button", { name: /more: .*Yes/ }).tap(),
    sends: /Send .*1.* of .*100.* points/,
  },
  number: {
    body: { kind: "number" },
    mark: (page) => page.getByRole("spinbutton").fill("42"),
    sends: /^Send .*42/,
  },
  words: {
    body: { kind: "words" },
    mark: (page) => page.getByLabel("Word 1 of 3", { exact: true }).fill("calm"),
    sends: "Send 1 word",
  },
};

for (const [kind, { body }] of Object.entries(KINDS)) {
  test(`the page of a ${kind} fetches this kind and no other, before it is told what is asked`, async () => {
    const poll = await server.call("POST", "/api/polls", { body: { question: "At once?", ...body } });
    const { page, leave } = await at(browser, server, poll);
    const fetched = await page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .map(({ name, startTime, responseEnd }) => ({ name, startTime, responseEnd })),
    );
    const ballots = fetched.filter(({ name }) => /[/]ballot-/.test(name)),
      asked = fetched.filter(({ name }) => /[/]api[/]/.test(name));
    assert.deepEqual(
      ballots.map(({ name }) => /ballot-(\w+)-/.exec(name)[1]),
      [kind],
    );
    assert.ok(ballots[0].startTime < Math.min(...asked.map(({ startTime }) => startTime)), JSON.stringify(fetched));
    await leave();
  });
}

test("whoever is led from one kind to the next and back loses nothing on the way", async () => {
  const event = await server.call("POST", "/api/events", { body: { title: "All of them" } });
  const token = event.ownerToken;
  const polls = [];
  for (const [kind, { body }] of Object.entries(KINDS))
    polls.push(
      await server.call("POST", `/api/events/${event.id}/polls`, {
        token,
        body: { question: `A ${kind}?`, open: true, ...body },
      }),
    );
  const show = (poll) => server.call("POST", `/api/events/${event.id}/show`, { token, body: { poll: poll.id } });
  const { page, leave } = await person(browser);
  const arrives = ({ question }) => page.getByRole("heading", { name: question }).waitFor();
  const paper = () => page.locator("form fieldset").first();
  for (const [i, { mark }] of Object.values(KINDS).entries()) {
    await show(polls[i]);
    if (!i) await page.goto(`${server.url}/p/${event.code}`);
    await arrives(polls[i]);
    await paper().waitFor();
    await mark(page);
  }
  for (const [i, { sends }] of Object.values(KINDS).entries()) {
    await show(polls[i]);
    await arrives(polls[i]);
    await press(page, sends);
    await told(page, "Counted");
  }
  await leave({ moved: true });
});
