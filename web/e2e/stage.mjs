// Holds what tests of the stage share: a screen for it, its rows, and an event to show.

import { person, STAGE } from "./browser.mjs";

/** Opens a screen for the stage. */
export const stageIn = (browser, rest = {}) => person(browser, { size: STAGE, theme: "dark", ...rest });

/** Opens a page of the stage and waits until it is live. */
export async function openOn(page, server, path) {
  await page.goto(server.url + path);
  await page.locator("main:not(.word) [data-link=live]").waitFor();
}

export const rows = (page) => page.getByRole("list", { name: "Results" }).getByRole("listitem");
export const row = (page, text) => rows(page).filter({ hasText: text });
export const total = (page, text) => page.locator("footer").getByText(text, { exact: true }).waitFor();
export const shownRows = (page) => rows(page).locator(".text").allTextContents();
/** Waits until a row's bar fills this part of its track. */
export async function reaches(page, text, share) {
  const bar = await row(page, text).locator(".bar").elementHandle();
  await page.waitForFunction(
    ([node, wanted]) => {
      const of = (box) => box.getBoundingClientRect().width;
      return Math.abs(of(node) / of(node.parentElement) - wanted) < 0.002;
    },
    [bar, share],
  );
}
/** Creates an event with these polls; all are open, and the first is shown. */
export async function eventOf(server, questions, rest = {}, options = ["Yes", "No"]) {
  const made = await server.call("POST", "/api/events", { body: { title: "The day of polls", ...rest } });
  const polls = [];
  for (const question of questions) {
    polls.push(
      await server.call("POST", `/api/events/${made.id}/polls`, {
        token: made.ownerToken,
        body: { question, options, ...(typeof question === "object" ? question : {}) },
      }),
    );
  }
  const show = (poll) => server.call("POST", `/api/events/${made.id}/show`, { token: made.ownerToken, body: { poll } });
  if (polls.length) await show(polls[0].id);
  return { ...made, polls: polls.map((poll) => ({ ...poll, ownerToken: made.ownerToken })), show };
}

/** Keeps every animated move from place to place, as it happens. */
export function watchMoves(page) {
  return page.evaluate(() => {
    const animate = Element.prototype.animate;
    window.moves = [];
    Element.prototype.animate = function (frames, timing) {
      if (frames.transform) window.moves.push(this.textContent);
      return animate.call(this, frames, timing);
    };
  });
}
export const moves = (page) => page.evaluate(() => window.moves);
