// Tests a poll for a number where it is written and shown: its way from the studio to the stage and to a file, that its
// right answer reaches nobody before the close and is lost nowhere, and a chart that has room in every frame.

import assert from "node:assert/strict";
import { person } from "./browser.mjs";
import { inHall, test } from "./harness.mjs";
import { accessible, plain } from "./phone.mjs";
import { openOn, stageIn, total } from "./stage.mjs";
import { live as followed } from "./studio.mjs";
import { turnoutStandsFree } from "./turnout.mjs";

const { server, browser } = await inHall();

test("an organiser writes a poll for a number, shows it, closes it with its right answer, takes the file", async () => {
  const { page, leave } = await person(browser, { size: { width: 1100, height: 900 } });
  await page.goto(`${server.url}/studio/new`);
  await page.getByLabel("Question", { exact: true }).fill("How high is Mount Everest?");
  await page.getByLabel("Option A", { exact: true }).fill("Pizza");
  await page.getByText("a number", { exact: true }).click();
  assert.equal(await page.getByLabel("Option A", { exact: true }).count(), 0, "a number has no options");
  await page.getByText("101 values: 0, 1, 2 … 100").waitFor();
  await page.getByLabel("to", { exact: true }).fill("10000");
  await page.getByText("There would be 10,001 values; at most 1,001 are possible. Try steps of 10.").waitFor();
  await page.getByLabel("in steps of").fill("10");
  await page.getByLabel("Unit").fill("m");
  await page.getByText("1,001 values: 0, 10, 20 … 10,000 m").waitFor();
  await page.getByLabel("Right answer").fill("8848.86");
  await page.getByLabel("Results are shown").selectOption({ index: 2 });
  await accessible(page);
  await page.getByRole("button", { name: "Open now" }).click();
  await page.getByRole("heading", { name: "How high is Mount Everest?" }).waitFor();
  const id = page.url().split("/").pop();
  const token = await page.evaluate((of) => JSON.parse(localStorage.getItem(`pollux.token.${of}`)), id);
  const poll = await server.read({ id }, token);
  assert.deepEqual(
    [poll.kind, poll.min, poll.max, poll.step, poll.unit, poll.solution, poll.results],
    ["number", 0, 10_000, 10, "m", 8848.86, "hidden"],
  );
  await page.getByText("0 to 10,000 m, in steps of 10").waitFor();
  await page.getByText("Right answer: 8,848.86 m (shown after the close)").waitFor();
  await server.answered(poll, [8_000, 8_840, 5_000, 8_840]);
  await page.getByText("7,670 m").waitFor();
  await page.getByText("Each value that was given").click();
  await page.getByRole("row", { name: /8,840\sm 2 people 50%/ }).waitFor();
  await accessible(page);

  const stage = await stageIn(browser);
  await openOn(stage.page, server, `/present/${id}#token=${token}`);
  await stage.page.locator(".chart").waitFor();
  await turnoutStandsFree(stage.page, 4);
  const figures = () => stage.page.locator(".guesses .figures");
  assert.equal(plain(await figures().textContent()), "");
  await stage.page.keyboard.press("Space");
  await figures().getByText("7,670 m").waitFor();
  await figures().getByText("8,420 m").waitFor();
  await total(stage.page, "4 people have answered");
  assert.equal(await stage.page.locator(".flag").count(), 0, "the right answer is shown while the poll is open");
  await server.call("POST", `/api/polls/${id}/close`, { token });
  await stage.page.locator(".flag", { hasText: "8,848.86 m" }).waitFor();
  const outcome = stage.page.getByRole("group", { name: "Outcome" });
  await outcome.getByText("Right answer", { exact: true }).waitFor();
  await outcome.getByText(/nearest: 8,840\sm \(2\speople\)/).waitFor();
  assert.equal(await stage.page.locator(".solved").count(), 0, "the panel says the same");
  await accessible(stage.page);
  await stage.page.keyboard.press("p");
  await stage.page.locator("main.again").waitFor();
  await figures().getByText("7,670 m").waitFor({ timeout: 40_000 });
  await stage.leave();

  for (const [size, query] of [
    [{ width: 1280, height: 720 }, ""],
    [{ width: 1280, height: 200 }, "?theme=light"],
    [{ width: 500, height: 900 }, "?layout=columns"],
    [{ width: 320, height: 480 }, ""],
  ]) {
    const overlay = await stageIn(browser, { size });
    await overlay.page.goto(`${server.url}/overlay/${id}${query}`);
    await overlay.page.locator(".solved", { hasText: "nearest" }).waitFor();
    await total(overlay.page, "4 people have answered");
    const sticks = await overlay.page.evaluate(() =>
      [...document.querySelectorAll(".guesses :is(p, .label, .flag, .raised span)")]
        .map((one) => one.getBoundingClientRect())
        .filter((box) => box.width && (box.right > innerWidth + 1 || box.left < -1 || box.bottom > innerHeight + 1)),
    );
    assert.deepEqual(sticks, [], `${size.width} × ${size.height}`);
    await overlay.leave();
  }

  const { results } = await server.call("GET", `/api/polls/${id}/export?format=json`, { token });
  assert.equal(results.length, 1_001);
  assert.deepEqual(
    results.filter(({ votes }) => votes).map(({ value, unit, votes, share }) => [value, unit, votes, share]),
    [
      [5_000, "m", 1, 0.25],
      [8_000, "m", 1, 0.25],
      [8_840, "m", 2, 0.5],
    ],
  );
  await page.getByText("Right answer: 8,848.86 m — nearest: 8,840 m (2 people)").waitFor();
  await leave({ moved: true });
});

test("live results show the organiser the right answer while a poll is open; no copy or draft loses it", async () => {
  const { page, leave } = await person(browser, {
    size: { width: 1100, height: 900 },
    expected: /status of 422/,
  });
  const answer = page.getByLabel("Right answer");
  const secret = page.getByText("Right answer: 17.75 kg (shown after the close)");
  const press = (name) => page.getByRole("button", { name, exact: true }).click();
  const write = (question) => page.getByLabel("Question", { exact: true }).fill(question);
  const read = async () => {
    const id = page.url().split("/").pop();
    const token = await page.evaluate((of) => JSON.parse(localStorage.getItem(`pollux.token.${of}`)), id);
    return { ...(await server.read({ id }, token)), ownerToken: token };
  };
  const heading = (name) => page.getByRole("heading", { name, exact: true }).waitFor();
  await page.goto(`${server.url}/studio/new`);
  await write("How heavy is the cat?");
  await page.getByText("a number", { exact: true }).click();
  await page.getByLabel("Unit").fill("kg");
  await answer.fill("17.75");
  await press("Open now");
  await heading("How heavy is the cat?");
  const first = await read();
  assert.deepEqual([first.results, first.solution], ["live", 17.75]);
  for (const reload of [false, true]) {
    if (reload) await page.reload();
    await secret.waitFor();
    await followed(page);
    await server.answered(first, reload ? [10, 20, 30] : [10, 20]);
    await page.locator("dl", { hasText: reload ? "Answers 3" : "Answers 2" }).waitFor();
    assert.ok(await secret.isVisible(), "the connection took the right answer away");
  }

  await page.getByRole("link", { name: "Duplicate", exact: true }).click();
  await heading("A copy");
  assert.equal(await answer.inputValue(), "17.75");
  await write("How heavy is the dog?");
  await press("Open now");
  await heading("How heavy is the dog?");
  assert.equal((await read()).solution, 17.75);
  await secret.waitFor();

  await page.getByRole("link", { name: "Duplicate", exact: true }).click();
  await heading("A copy");
  await write("How heavy is the bird?");
  await page.getByLabel("Unit").fill("kilogrammes of feathers");
  await press("Save as draft");
  await page.getByText("Please correct the marked fields.").waitFor();
  const fault = page.locator("#number-fault");
  await fault.getByText(/20/).waitFor();
  await page.getByLabel("Unit").fill("kg");
  assert.equal(await fault.textContent(), "");
  assert.equal(await page.getByText("Please correct the marked fields.").count(), 0);
  await press("Save as draft");
  await heading("Draft");
  const draft = await read();
  // Somebody else changes the draft, while this form is open.
  await server.call("PATCH", `/api/polls/${draft.id}`, { token: draft.ownerToken, body: { max: 50 } });
  await page.getByText("51 values: 0, 1, 2 … 50 kg").waitFor();
  assert.equal(await answer.inputValue(), "17.75");
  await write("How heavy is the goose?");
  await press("Save and open");
  await heading("How heavy is the goose?");
  assert.deepEqual([(await read()).max, (await read()).solution], [50, 17.75]);
  await secret.waitFor();
  await server.call("POST", `/api/polls/${draft.id}/close`, { token: draft.ownerToken });
  await page.getByText("Right answer: 17.75 kg", { exact: true }).waitFor();
  await leave({ moved: true });
});

test("in portrait, on a low screen and in a small frame the chart has room, and nothing leaves its area", async () => {
  const grid = { min: -1e9, max: 1e9, step: 2e6 };
  const poll = await server.number("What does it cost?", { ...grid, unit: "thousand", solution: 123_456_789.5 });
  await server.answered(poll, [-1e9, -4e8, -2e6, 0, 1e8, 1e8, 6e8, 1e9]);
  const { page, leave } = await stageIn(browser);
  const look = async (path, width, height, least) => {
    await page.setViewportSize({ width, height });
    await page.goto(`${server.url}/${path}/${poll.id}`);
    await page.locator(".figures bdi, .solved").first().waitFor();
    const { chart, out } = await page.evaluate(() => {
      const box = (selector) => document.querySelector(selector)?.getBoundingClientRect();
      const area = box(".area");
      const out = [...document.querySelectorAll(".guesses :is(.chart, .label, .flag, bdi, .solved, .raised span)")]
        .map((one) => {
          const text = document.createRange();
          text.selectNodeContents(one);
          return [one.textContent, (one.matches(".chart") ? one : text).getBoundingClientRect()];
        })
        .filter(([, { width }]) => width)
        .filter(
          ([, { left, right, top, bottom }]) =>
            left < area.left - 1 || right > area.right + 1 || top < area.top - 2 || bottom > area.bottom + 2,
        )
        .map(([text]) => text);
      const { width = 0, height = 0 } = box(".chart") ?? {};
      return { chart: [width, height], out };
    });
    assert.deepEqual(out, [], `${path} ${width} × ${height}`);
    assert.ok(chart[0] >= least[0] && chart[1] >= least[1], `${path} ${width} × ${height}: the chart has ${chart}`);
  };
  for (const act of ["open", "close"]) {
    if (act === "close") await server.act(poll, act);
    await look("present", 1080, 1920, [1_000, 400]);
    await look("present", 320, 640, [280, 180]);
    await look("present", 1920, 430, [1_200, 180]);
    await look("embed", 320, 240, [250, 60]);
    await look("embed", 480, 270, [300, 100]);
    await look("embed", 320, 180, [0, 0]);
  }
  await look("present", 1280, 720, [500, 300]);
  assert.equal(await page.locator(".solved").count(), 0, "the outcome's panel says the right answer");
  await page.keyboard.press("z");
  await page.locator(".solved", { hasText: /^Right answer: 123,456,789\.5/ }).waitFor();
  await leave({ moved: true });
});
