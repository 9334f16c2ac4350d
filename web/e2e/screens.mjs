// The README's screenshots, taken of the real server: `make screens`.

import { mkdir } from "node:fs/promises";
import { launch, person, says, still } from "./browser.mjs";
import { Pollux } from "./pollux.mjs";

const FOLDER = new URL("../../docs/screens/", import.meta.url).pathname;
const PHONE = { width: 360, height: 720 }, WIDE = { width: 1138, height: 640 };

await mkdir(FOLDER, { recursive: true });
// The stage shows the address that phones are told, not the loopback it is opened at here.
const server = await Pollux.start({ publicUrl: "http://poll.example" });
const browser = await launch();
try {
  const poll = await server.poll("What should our next service be written in?", ["Rust", "Go", "TypeScript", "Python"]);
  const lunch = await server.poll("What shall we have for lunch?", ["Pizza", "Sushi", "Salad"]);
  const talk = await server.poll("Which talk do you want to hear again?", ["The log is the database", "Counting exactly once"]);
  for (const [option, count] of [[1, 23], [2, 9], [3, 14], [4, 6]]) await server.votes(poll, option, count);
  for (const [option, count] of [[1, 11], [2, 17], [3, 5]]) await server.votes(lunch, option, count);
  for (const [option, count] of [[1, 8], [2, 12]]) await server.votes(talk, option, count);

  const phone = await person(browser, { size: PHONE });
  await phone.page.goto(`${server.url}/p/${poll.code}`);
  await phone.page.getByText("Rust", { exact: true }).tap();
  await says(phone.page, "#state-title", /✓ Counted/);
  await shoot(phone.page, "vote.png");
  for (const theme of ["dark", "light"]) {
    const room = await person(browser, { size: WIDE, theme });
    await room.page.goto(`${server.url}/present/${poll.id}`);
    await shoot(room.page, `stage-${theme}.png`);
    if (theme === "light") continue;
    await room.page.goto(`${server.url}/leaderboard`);
    await says(room.page, "#options", /Rust/);
    await shoot(room.page, "leaderboard.png");
  }
} finally {
  await browser.close();
  await server.stop();
}

/** Once it is live and still. */
async function shoot(page, name) {
  await says(page, "#link", /^Live$/);
  await still(page);
  await page.screenshot({ path: FOLDER + name });
}
