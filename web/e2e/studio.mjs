// Holds what tests of the studio share: an organiser who holds tokens, and what is looked for on the pages.

import { person } from "./browser.mjs";

export const LAPTOP = { width: 1280, height: 800 },
  SMALL = { width: 320, height: 640 };

/** Opens the studio of an organiser; `holding` are the polls or events whose tokens the device has. */
export async function organiserIn(browser, { holding = [], size = LAPTOP, ...rest } = {}) {
  const who = await person(browser, { size, ...rest });
  await who.context.addInitScript(
    (held) => {
      if (localStorage.getItem("pollux.test")) return;
      localStorage.setItem("pollux.test", "1");
      for (const { id, token, kind } of held) {
        localStorage.setItem(`pollux.token.${id}`, JSON.stringify(token));
        if (kind) localStorage.setItem(`pollux.kind.${id}`, JSON.stringify(kind));
      }
    },
    holding.map((one) => ({ id: one.id, token: one.ownerToken, kind: "title" in one ? "event" : null })),
  );
  return who;
}

export const live = (page) => page.locator("[data-link=live]").waitFor({ state: "attached" });
export const press = (page, name) => page.getByRole("button", { name }).click();
export const status = (page, is) => page.locator(`[data-status=${is}]`).waitFor();
export const voters = (page, count) => page.locator("[data-voters]").getByText(`${count}`, { exact: true }).waitFor();
export const option = (page, letter) => page.getByLabel(`Option ${letter}`, { exact: true });
export const written = (page) =>
  page
    .getByRole("list", { name: "Options" })
    .getByRole("textbox")
    .evaluateAll((fields) => fields.map((field) => field.value));
