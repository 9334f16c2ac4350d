// Debian's Chromium without a window, and what every test asks of a page.

import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

export const PHONE = { width: 390, height: 780 };
export const STAGE = { width: 1280, height: 720 };

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: FLAGS,
  });
}

/**
 * A person with a browser of their own: {page, faults, shift()}. `faults` gathers script errors
 * and every breach of the content security policy.
 */
export async function person(browser, { size = PHONE, theme = "light", ...rest } = {}) {
  const context = await browser.newContext({ viewport: size, colorScheme: theme, ...rest });
  await context.addInitScript((wanted) => {
    if (!localStorage.getItem("pollux.theme")) localStorage.setItem("pollux.theme", JSON.stringify(wanted));
    window.shifted = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  }, theme);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (/Content Security Policy|Trusted/.test(message.text())) faults.push(message.text());
  });
  return { context, page, faults, shift: () => page.evaluate(() => window.shifted) };
}

/** Wait until an element's text matches. */
export async function says(page, selector, pattern) {
  await page.waitForFunction(([where, source]) => {
    return new RegExp(source).test(document.querySelector(where)?.textContent ?? "");
  }, [selector, pattern.source]);
}
