// Tests how the studio looks and what a screen reader is told of it.

import assert from "node:assert/strict";
import { AxeBuilder } from "@axe-core/playwright";
import { still } from "./browser.mjs";
import { inHall, sampled, test } from "./harness.mjs";
import { Pollux } from "./pollux.mjs";
import { LAPTOP, SMALL, live, organiserIn } from "./studio.mjs";

const { server, browser } = await inHall();

const organiser = (rest) => organiserIn(browser, rest);

/** Creates polls and an event that strain a layout: long words, emoji, right to left, a hundred options. */
async function hard() {
  const event = await server.call("POST", "/api/events", {
    body: { title: "Ein sehr langer Titel, der nicht in eine Zeile passt 🎉", accent: "#2f80ed" },
  });
  const inside = (body) => server.call("POST", `/api/events/${event.id}/polls`, { token: event.ownerToken, body });
  const first = await inside({ question: "أي لغة نختار؟", options: ["العربية", "English 🦀"] });
  await inside({ question: "Donaudampfschifffahrtsgesellschaftskapitän".repeat(4), options: ["x".repeat(200), "y"] });
  await server.call("POST", `/api/events/${event.id}/show`, { token: event.ownerToken, body: { poll: first.id } });
  const open = await server.poll("A question that is asked?", [
    "An answer",
    "مرحبا بالعالم",
    "🦀 crab",
    "x".repeat(180),
  ]);
  await server.votes(open, 1, 3);
  const many = await server.poll(
    "x".repeat(500),
    Array.from({ length: 100 }, (_, i) => `${i + 1}`),
    { kind: "multiple", maxChoices: 3, results: "hidden" },
  );
  await server.act(many, "close");
  const draft = await server.poll("Not yet?", ["Yes", "No"], { open: false });
  return {
    holding: [event, open, many, draft],
    paths: [
      "/studio",
      "/studio/new",
      "/studio/new/event",
      "/studio/health",
      "/studio/access",
      `/studio/events/${event.id}`,
      `/studio/events/${event.id}/sheet`,
      `/studio/polls/${first.id}`,
      `/studio/polls/${open.id}`,
      `/studio/polls/${many.id}`,
      `/studio/polls/${draft.id}`,
      `/studio/polls/${open.id}/sheet`,
    ],
  };
}

/** Waits until the page is open and everything that it shows at first is there. */
async function settled(page) {
  await page.locator("h1").first().waitFor();
  await page.locator("[aria-busy=true]").waitFor({ state: "detached" });
  if (!page.url().endsWith("/sheet")) await live(page);
  await still(page);
}

/**
 * Returns what axe finds. It looks at few of a hundred options, because they are all alike and axe is slow.
 */
async function violations(page) {
  const axe = new AxeBuilder({ page }).setLegacyMode(true).exclude("tr:nth-child(n+8)");
  return (await axe.analyze()).violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3)}`,
  );
}

for (const [register, [theme, size, axe]] of sampled([
  ["dark", SMALL, true],
  ["light", LAPTOP, true],
  ["dark", { width: 1920, height: 1080 }, false],
])) {
  register(`every page, ${theme}, ${size.width} × ${size.height}: contrast and roles, nothing sticks out`, async () => {
    const { holding, paths } = await hard();
    const { page, leave } = await organiser({ holding, size, theme });
    for (const path of ["/studio", ...paths]) {
      await page.goto(server.url + path);
      await settled(page);
      if (axe) assert.deepEqual(await violations(page), [], path);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(wide <= 0, `${path} is ${wide} px too wide`);
    }
    await leave({ moved: true });
  });
}

test("what a screen reader is told of a poll, a form and the overview", async () => {
  const own = await Pollux.start();
  try {
    const poll = await own.poll("Read aloud?", ["Yes", "No"]);
    await own.votes(poll, 1, 3);
    await own.act(poll, "close");
    const { page, leave } = await organiser({ holding: [poll] });
    await page.goto(`${own.url}/studio`);
    await live(page);
    await page.locator("[data-entry]").getByText("100%").waitFor();
    const said = async (where) =>
      (await page.locator(where).ariaSnapshot())
        .split("\n")
        .filter((line) => !line.includes("/url"))
        .join("\n")
        .replace(/\d{3}\s\d{3}/g, "CODE");
    assert.equal(await said("section[aria-label='Polls and events'] ul"), OVERVIEW);
    await page.goto(`${own.url}/studio/polls/${poll.id}`);
    await page.getByText("Final", { exact: true }).waitFor();
    assert.equal(await said("section[aria-labelledby=results-title]"), RESULTS);
    await page.goto(`${own.url}/studio/new`);
    assert.equal(await said("form.stack > section >> nth=0"), FORM);
    await leave({ moved: true });
  } finally {
    await own.stop();
  }
});

const OVERVIEW = `
- list:
  - listitem:
    - link "Read aloud? Final CODE Yes 100% 3 voters":
      - text: Read aloud? Final CODE Yes 100%
      - strong: "3"
      - text: voters
`.trim();

const RESULTS = `
- region "Results":
  - heading "Results" [level=2]
  - table:
    - rowgroup:
      - row "Option Votes Share":
        - columnheader "Option"
        - columnheader "Votes"
        - columnheader "Share"
    - rowgroup:
      - row "Yes 3 100%":
        - rowheader "Yes"
        - cell "3"
        - cell "100%"
      - row "No 0 0%":
        - rowheader "No"
        - cell "0"
        - cell "0%"
`.trim();

const FORM = `
- text: Question
- textbox "Question":
  - /placeholder: What do you want to know?
- paragraph
- group "Each person chooses":
  - text: Each person chooses
  - radio "one option" [checked]
  - text: one option
  - radio "several"
  - text: several
  - radio "a rating for each"
  - text: a rating for each
  - radio "an order"
  - text: an order
  - radio "points for each"
  - text: points for each
  - radio "a number"
  - text: a number
  - radio "words"
  - text: words
- paragraph: Options 0 of at most 100; paste a list to make one of each line or cell
- paragraph: Arrow up and down move it; Home and End to the ends.
- list "Options":
  - listitem:
    - button "Move option A"
    - textbox "Option A"
    - button "Remove option A"
  - listitem:
    - button "Move option B"
    - textbox "Option B"
    - button "Remove option B"
  - listitem:
    - button "Move option C"
    - textbox "Option C"
    - button "Remove option C"
- button "Add an option"
`.trim();
