// The README's screenshots, taken of the real server: `make screens`.

import { mkdir } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { launch, person, says } from "./browser.mjs";
import { Pollux } from "./pollux.mjs";

const FOLDER = new URL("../../../../../docs/screens/", import.meta.url).pathname;
const WIDE = { width: 960, height: 540 };

await mkdir(FOLDER, { recursive: true });
const server = await Pollux.start("0.0.0.0");
const browser = await launch();
try {
  const lan = Object.values(networkInterfaces()).flat().find((a) => a.family === "IPv4" && !a.internal);
  const base = `http://${lan?.address ?? "127.0.0.1"}:${server.port}`;
  const poll = await server.poll("What should our next service be written in?", ["Rust", "Go", "TypeScript", "Python"]);
  const lunch = await server.poll("What shall we have for lunch?", ["Pizza", "Sushi", "Salad"]);
  for (const [option, count] of [[1, 17], [2, 9], [3, 12], [4, 4]]) await server.votes(poll, option, count);
  for (const [option, count] of [[1, 11], [2, 14], [3, 5]]) await server.votes(lunch, option, count);

  const phone = await person(browser, { size: { width: 360, height: 640 } });
  await phone.page.goto(`${base}/p/${poll.code}`);
  await phone.page.getByText("Rust", { exact: true }).click();
  await says(phone.page, "#state-title", /✓ Counted/);
  await shoot(phone.page, "vote.png");
  const room = await person(browser, { size: WIDE, theme: "dark" });
  await room.page.goto(`${base}/present/${poll.id}`);
  await shoot(room.page, "stage.png");
  await room.page.goto(`${base}/leaderboard`);
  await says(room.page, "#options", /Rust/);
  await shoot(room.page, "leaderboard.png");
} finally {
  await browser.close();
  await server.stop();
}

/** Once it is live and still. */
async function shoot(page, name) {
  await says(page, "#link", /^Live$/);
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
  await page.screenshot({ path: FOLDER + name });
}
