// Takes the README's pictures of the real server (`make screens`).

import { mkdir } from "node:fs/promises";
import { launch, person, still } from "./browser.mjs";
import { Pollux } from "./pollux.mjs";

const FOLDER = new URL("../../docs/screens/", import.meta.url).pathname;
const PHONE = { width: 360, height: 720 },
  WIDE = { width: 1138, height: 640 },
  LAPTOP = { width: 1280, height: 800 };

/** What the room says, the most frequent first. */
const WORDS = (
  "testing,observability,Rust,security,pair programming,accessibility,databases,fewer meetings,on-call,type systems," +
  "documentation,release notes,Kafka,estimates,design,hiring,remote work,performance,coffee,open source,refactoring," +
  "backups,onboarding,code review,queues,caching,fuzzing,legacy code,naming things,time zones"
).split(",");

await mkdir(FOLDER, { recursive: true });
// The stage shows the address that phones are told, not the loopback address at which it is opened here.
const server = await Pollux.start({ publicUrl: "http://poll.example" });
const browser = await launch();
try {
  const event = await server.call("POST", "/api/events", { body: { title: "The week's retrospective" } });
  const add = (question, options, rest) =>
    server.call("POST", `/api/events/${event.id}/polls`, {
      body: { question, options, open: true, ...rest },
      token: event.ownerToken,
    });
  const first = await add("What should our next service be written in?", ["Rust", "Go", "TypeScript", "Python"]);
  const lunch = await add("What shall we have for lunch?", ["Pizza", "Sushi", "Salad"]);
  const talk = await add("Which talk do you want to hear again?", ["The log is the database", "Counting exactly once"]);
  await server.call("POST", `/api/events/${event.id}/show`, { body: { poll: first.id }, token: event.stageToken });
  for (const [option, count] of [
    [1, 23],
    [2, 9],
    [3, 14],
    [4, 6],
  ])
    await server.votes(first, option, count);
  for (const [option, count] of [
    [1, 11],
    [2, 17],
    [3, 5],
  ])
    await server.votes(lunch, option, count);
  for (const [option, count] of [
    [1, 8],
    [2, 12],
  ])
    await server.votes(talk, option, count);

  const phone = await person(browser, { size: PHONE, theme: "dark" });
  await phone.page.goto(`${server.url}/p/${event.code}`);
  await phone.page.getByText("Rust", { exact: true }).tap();
  await phone.page.getByRole("status").filter({ hasText: "Counted" }).waitFor();
  await shoot(phone.page, "vote.png");
  for (const theme of ["dark", "light"]) {
    const room = await person(browser, { size: WIDE, theme });
    await room.page.goto(`${server.url}/present/${event.id}`);
    await shoot(room.page, `stage-${theme}.png`);
  }
  await kinds(browser);
  const board = await person(browser, { size: WIDE, theme: "dark" });
  await board.page.goto(`${server.url}/leaderboard`);
  await shoot(board.page, "leaderboard.png");
  const desk = await person(browser, { size: LAPTOP });
  await desk.page.goto(`${server.url}/studio#event=${event.id}&token=${event.ownerToken}`);
  await shoot(desk.page, "studio.png");
} finally {
  await browser.close();
  await server.stop();
}
process.exit(0);

/** Takes pictures of polls that are no choice: a cloud of words, and guesses at a number. */
async function kinds(browser) {
  const make = (body) => server.call("POST", "/api/polls", { body: { open: true, ...body } });
  const answer = (poll, answer, voterId) =>
    server.call("POST", `/api/polls/${poll.id}/vote?wait=counted`, { body: { answer, voterId } });
  const words = await make({ kind: "words", question: "What should tomorrow's workshop be about?" });
  for (const [at, line] of WORDS.entries()) {
    const votes = Math.max(1, Math.round(30 / (at + 1)));
    for (let i = 0; i < votes; i++) await answer(words, [line], `w${at}-${i}`);
  }
  const solution = 4805.59;
  const number = await make({
    kind: "number",
    question: "How high is Mont Blanc?",
    min: 3500,
    max: 6000,
    unit: "m",
    step: 10,
    solution,
  });
  for (let i = 0; i < 60; i++) {
    const guess = 4700 + 120 * ((i * 7) % 11) - 60 * ((i * 5) % 9);
    await answer(number, Math.min(6000, Math.max(3500, guess)), `n${i}`);
  }
  await server.call("POST", `/api/polls/${number.id}/close`, { token: number.ownerToken });
  for (const [poll, name] of [
    [words, "words.png"],
    [number, "number.png"],
  ]) {
    const room = await person(browser, { size: WIDE, theme: "light" });
    await room.page.goto(`${server.url}/present/${poll.id}`);
    await shoot(room.page, name);
  }
}

/** Takes a picture once the page is live and still. */
async function shoot(page, name) {
  await page.getByText("Live", { exact: true }).first().waitFor();
  await page.waitForLoadState("networkidle");
  await still(page);
  await page.screenshot({ path: FOLDER + name });
}
