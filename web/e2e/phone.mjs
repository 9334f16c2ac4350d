// Holds what the tests of the voter's page do on it and wait for.

import assert from "node:assert/strict";
import { AxeBuilder } from "@axe-core/playwright";
import { person, still } from "./browser.mjs";

/** The smallest phone. */
export const SMALL = { width: 320, height: 640 };

/** What a browser writes into the console while there is no server, or no network. */
export const NO_SERVER = /net::ERR_|WebSocket connection to|status of 50[0-9]/;

/** Returns a poll's votes, option by option. */
export const figures = (poll) => poll.options.map((option) => option.votes);
/** Taps an option. */
export const tap = (page, option) => page.getByText(option, { exact: true }).tap();
/** Finds the radio button of an option. */
export const choice = (page, option) => page.getByRole("radio", { name: option, exact: true });
/** Finds the checkbox of an option. */
export const box = (page, option) => page.getByRole("checkbox", { name: option, exact: true });
/** Taps a button. */
export const press = (page, name) => page.getByRole("button", { name, exact: true }).tap();
/** Waits until the page says this of the vote. */
export const told = (page, words, timeout) => page.getByRole("status").filter({ hasText: words }).waitFor({ timeout });
/** Waits until the page says that it is live. */
export const live = (page, words = "Live") => page.locator("header").getByText(words, { exact: true }).waitFor();
/** Finds an option's row: its text, votes and share. */
export const row = (page, option) => page.locator("label").filter({ has: page.getByText(option, { exact: true }) });
export const counts = (page, option, votes, share) =>
  row(page, option)
    .locator(".result")
    .filter({ hasText: new RegExp(`^\\s*${votes}\\s+${share}\\s*%`) })
    .waitFor();

/** Waits until the page shows these votes for its options. */
export const stands = (page, votes) =>
  page.waitForFunction(
    (wanted) =>
      [...document.querySelectorAll("fieldset .result")]
        .map((one) => one.textContent.trim().split(/\s+/)[0].replace(/\D/g, ""))
        .join() === wanted,
    votes.join(),
  );

/** Keeps what the server tells this page. The returned function asserts that none of it matches `secret`. */
export function overhear(page) {
  const heard = [];
  page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => heard.push(`${payload}`)));
  page.on("response", (answer) => {
    if (answer.url().includes("/api/")) heard.push(answer.text().catch(() => ""));
  });
  return async (secret) => {
    for (const message of await Promise.all(heard)) assert.doesNotMatch(message, secret);
    assert.ok(heard.length > 2, "nothing was heard");
  };
}

/** Asserts that all of `targets` can be hit, `least` pixels each way, and that nothing is wider than the phone. */
export async function fits(page, targets, least = 44) {
  const sizes = await page
    .locator(targets)
    .evaluateAll((all) =>
      all.map((one) => one.getBoundingClientRect()).map(({ width, height }) => Math.min(width, height)),
    );
  assert.ok(Math.min(...sizes) >= least, `${Math.min(...sizes)}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= page.viewportSize().width, `${wide} px wide`);
}

/** Sets the page's text at twice its size. */
export const enlarge = (page) =>
  page.evaluate(() => {
    document.documentElement.style.fontSize = "200%";
  });

/** Asserts that axe finds nothing; of what repeats it sees seven. */
export async function accessible(page) {
  await still(page);
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).exclude("label:nth-child(n+8)").analyze();
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3)}`),
    [],
  );
}

/** Opens this poll for a person; `prepare` is called with the page before it asks for anything. */
export async function at(
  browser,
  server,
  poll,
  { path = `/p/${poll.code}`, host = server.url, prepare, ...rest } = {},
) {
  const one = await person(browser, rest);
  await prepare?.(one.page);
  await one.page.goto(host + path);
  await one.page.locator("fieldset").first().waitFor();
  return one;
}

/** Returns a text without what only a browser needs in it. */
export const plain = (text) =>
  text
    .replace(/[\u2066-\u2069]/g, "")
    .replace(/\s+/g, " ")
    .trim();

/** Returns where a slider's thumb, 1.8rem wide, stands or would stand with this part of the slider's range. */
export async function thumb(slider, part) {
  const { x, y, width, height } = await slider.boundingBox();
  const root = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
  const size = 1.8 * (await slider.page().evaluate(root));
  return [x + size / 2 + part * (width - size), y + height / 2];
}
