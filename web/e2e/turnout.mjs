// Checks the turnout on stage before the results are shown.

import assert from "node:assert/strict";

/**
 * Waits until the stage shows this turnout in large figures, and asserts that it covers no word of what is
 * asked.
 */
export async function turnoutStandsFree(page, voters) {
  await page.waitForFunction((wanted) => document.querySelector("[data-turnout]")?.textContent === wanted, `${voters}`);
  const covered = await page.evaluate(() => {
    const pane = document.querySelector(".turnout").getBoundingClientRect();
    const over = (box) =>
      box.width && box.left < pane.right && box.right > pane.left && box.top < pane.bottom && box.bottom > pane.top;
    return [...document.querySelectorAll("ol[aria-label=Results] .text")]
      .filter((one) => {
        const written = document.createRange();
        written.selectNodeContents(one);
        const shown = one.getBoundingClientRect();
        return [...written.getClientRects()].some((line) => line.top < shown.bottom && over(line));
      })
      .map((one) => one.textContent);
  });
  assert.deepEqual(covered, [], "turnout is written over options");
  const { height } = await page.locator("[data-turnout]").boundingBox();
  assert.ok(height >= 40, `${height} px are not large`);
}
