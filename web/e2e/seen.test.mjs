// Tests that the hall sees what is right: letters are whole in every font, confetti clears itself, and the
// proof comes on request and is this poll's own.

import assert from "node:assert/strict";
import { person, PHONE, STAGE, still } from "./browser.mjs";
import { FONTS, inked, SCRIPTS, setIn, STYLED, whole } from "./fonts.mjs";
import { inHall, sampled, test } from "./harness.mjs";
import { Pollux } from "./pollux.mjs";

const { server, browser } = await inHall();

const stage = (rest = {}) => person(browser, { size: STAGE, theme: "dark", ...rest });

const TAILS = [
  "Hiring people, properly",
  "Reliability (g, j, p, q, y)",
  "Prague, Györ, Ångström",
  "مرحبا بالعالم",
  "जूँ, कृपया",
];
for (const [register, name] of sampled(Object.keys(FONTS).reverse())) {
  register(`every letter is whole, set in ${name}`, async () => {
    const poll = await server.poll("Which city, jury, gypsy quay, Ångström?", TAILS);
    const made = await server.call("POST", "/api/events", { body: { title: "Playing jazz, Gy", layout: "columns" } });
    const inside = await server.call("POST", `/api/events/${made.id}/polls`, {
      token: made.ownerToken,
      body: { question: "Jumping, agility, أي لغة?", options: TAILS, open: true },
    });
    await server.call("POST", `/api/events/${made.id}/show`, { token: made.ownerToken, body: { poll: inside.id } });
    for (const one of [poll, inside])
      for (const [option, people] of [
        [1, 5],
        [2, 3],
        [4, 1],
      ])
        await server.votes(one, option, people);
    const closed = await server.poll("Which won, finally, Gregory?", TAILS);
    await server.votes(closed, 2, 3);
    await server.act(closed, "close");
    const empty = await server.call("POST", "/api/events", { body: { title: "Waiting, jury, gypsy" } });
    const live = (page) => page.locator("[data-link=live], [data-state=live]").first().waitFor();
    const read = (page) => page.getByText(TAILS[1]).first().waitFor();
    const sheet = (page) =>
      page
        .getByRole("img", { name: /QR code/ })
        .first()
        .waitFor();
    const screens = [
      [`/present/${poll.id}`, live],
      [`/present/${made.id}`, live],
      [`/present/${closed.id}`, live],
      [`/present/${empty.id}`, live],
      [`/overlay/${poll.id}?code=1`, read],
      [`/embed/${made.id}`, read],
      ["/leaderboard", live],
    ];
    const others = [
      [`/p/${poll.id}`, live],
      [`/p/${closed.id}`, live],
      [`/studio/polls/${poll.id}`, read],
      [`/studio/polls/${poll.id}/sheet`, sheet],
    ];
    const { context, page, leave } = await person(browser, STYLED);
    await setIn(context, name);
    for (const [size, paths] of [
      [STAGE, screens],
      [PHONE, [...screens, ...others]],
    ]) {
      await page.setViewportSize(size);
      for (const [path, ready] of paths) {
        await page.goto(server.url + path);
        await ready(page);
        await still(page);
        await whole(page, `${path} at ${size.width} × ${size.height}`);
      }
    }
    await page.getByLabel("eight cards").check();
    await whole(page, "eight cards");
    await leave({ moved: true });
  });
}

test("every letter is whole in scripts whose marks reach far", async (t) => {
  // Nobody else is there: between two pictures nothing may change.
  const quiet = await Pollux.start({ alone: true });
  t.after(() => quiet.stop());
  quiet.line.honest = true;
  const texts = Object.values(SCRIPTS),
    long = texts.map((text) => `${text} `.repeat(12).slice(0, 199).trim());
  const latin = "Åß gypsy quay, jury ".repeat(10).slice(0, 199).trim();
  const event = async (title, options, layout) => {
    const made = await quiet.call("POST", "/api/events", { body: { title, layout } });
    const poll = await quiet.call("POST", `/api/events/${made.id}/polls`, {
      token: made.ownerToken,
      body: { question: `${title}?`, options, open: true },
    });
    await quiet.call("POST", `/api/events/${made.id}/show`, { token: made.ownerToken, body: { poll: poll.id } });
    await quiet.votes(poll, 1, 2);
    return { ...made, poll };
  };
  const [bars, columns] = [await event(texts.join(" "), texts, "bars"), await event(texts[0], texts, "columns")];
  // Lines are left out, in one column and in two.
  const [eight, thirty] = [
    await event(texts[3], [...long, latin, "Short"], "bars"),
    await event(
      texts[1],
      Array.from({ length: 30 }, (_, i) => `${i} ${long[i % long.length]}`.slice(0, 199)),
      "bars",
    ),
  ];
  const upright = await event(latin.slice(0, 90), [...long, latin], "columns");
  const each = [];
  for (const text of texts) each.push(await event(text, [text, latin], "bars"));
  const { page, leave } = await person(browser, { ...STYLED, size: STAGE, theme: "light" });
  const look = async (path, text) => {
    await page.goto(quiet.url + path);
    await page.getByText(text).first().waitFor();
    await page.locator("[data-link=live], [data-state=live], footer .number").first().waitFor();
    await still(page);
    await inked(page, path);
  };
  for (const made of [bars, columns, eight, thirty, upright]) await look(`/present/${made.id}`, made.title);
  for (const made of [bars, upright]) await look(`/overlay/${made.id}`, made.title);
  await look("/leaderboard", texts[0]);
  await page.setViewportSize({ width: 480, height: 360 });
  for (const made of [bars, columns]) await look(`/embed/${made.id}`, made.title);
  await page.setViewportSize(PHONE);
  for (const made of [...each, upright]) await look(`/p/${made.code}`, made.title);
  await leave({ moved: true });
});

test("confetti covers little while it falls, and leaves nothing", async () => {
  const poll = await server.poll("Who has won?", ["This", "That"]);
  await server.votes(poll, 1, 2);
  const { page, leave } = await stage({ size: { width: 1920, height: 1080 }, expected: /willReadFrequently/ });
  await page.addInitScript(() => {
    window.covered = [];
    new MutationObserver((changes) =>
      changes.forEach(({ addedNodes }) =>
        addedNodes.forEach((node) => {
          if (node.className !== "confetti") return;
          window.confetti = node;
          const look = () => {
            if (!window.confetti.isConnected) return;
            const { data } = node.getContext("2d").getImageData(0, 0, node.width, node.height);
            let painted = 0;
            for (let i = 3; i < data.length; i += 4) if (data[i] > 8) painted++;
            window.covered.push(painted / (data.length / 4));
            setTimeout(look, 60);
          };
          setTimeout(look, 60);
        }),
      ),
    ).observe(document, { childList: true, subtree: true });
  });
  await page.goto(`${server.url}/present/${poll.id}?confetti=1`);
  await page.locator("[data-link=live]").waitFor();
  await server.act(poll, "close");
  await page.waitForFunction(() => window.confetti && !window.confetti.isConnected);
  const covered = await page.evaluate(() => window.covered),
    most = Math.max(...covered);
  assert.ok(covered.length > 3, "it was not seen");
  assert.ok(most > 0.005 && most < 0.15, `it covers ${covered.map((part) => part.toFixed(3))}`);
  await leave({ moved: true });
});

test("machine figures come on request, and are this poll's own", async () => {
  const [poll, busy] = [await server.poll("How many?", ["Yes", "No"]), await server.poll("And there?", ["Yes", "No"])];
  const crowd = server.crowd(busy);
  await server.votes(poll, 1, 3);
  const { page, leave } = await stage();
  await page.goto(`${server.url}/present/${poll.id}`);
  await page.locator("[data-link=live]").waitFor();
  await page.locator("footer").getByText("3 votes", { exact: true }).waitFor();
  const proof = page.getByRole("group", { name: "Proof" });
  assert.equal(await proof.count(), 0);
  assert.doesNotMatch(await page.locator("main").innerText(), /acknowledged|in flight|p99|watching/);
  await page.keyboard.press("i");
  await proof.waitFor();
  // The proof leaves out votes in other polls, and repeated votes for the same option.
  await proof.getByText("3 votes counted so far", { exact: true }).waitFor();
  assert.equal((await proof.textContent()).trim(), "3 votes counted so far");
  await page.keyboard.press("i");
  await proof.waitFor({ state: "hidden" });
  await page.goto(`${server.url}/present/${poll.id}?proof=1`);
  await proof.getByText("3 votes counted so far", { exact: true }).waitFor();
  await server.act(poll, "close");
  await proof.getByText("3 votes, all counted", { exact: true }).waitFor();
  const { resultHash } = await server.read(poll);
  await proof.getByText(`${resultHash.slice(0, 4)}…${resultHash.slice(-4)}`).waitFor();
  await crowd.leave();
  await leave({ moved: true });
});
