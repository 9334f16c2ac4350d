// Tests the words on a poll's page as a person has them in the hand: by key, by mouse, and heard.

import { cleanup, fireEvent, render, screen } from "@testing-library/svelte";
import { flushSync } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Poll } from "../../api/generated";
import { Keys } from "../keys";
import Shortcuts from "../Shortcuts.svelte";
import { voice } from "../voice.svelte";
import { Kiosk } from "./fixture";
import Panel from "./Moderation.svelte";

let kiosk: Kiosk, show: (poll: Poll) => Promise<void>, studio: Keys;
/** The pages to which the studio's own keys have led. */
let left: string[];

// On a busy machine the first page takes seconds to be made.
vi.setConfig({ testTimeout: 30_000 });
beforeEach(() => {
  vi.useFakeTimers();
  left = [];
  studio = new Keys({ a: () => left.push("access"), h: () => left.push("health"), e: () => left.push("event") });
});
afterEach(() => {
  cleanup();
  studio.close();
  vi.useRealTimers();
});

async function pass(ms = 20) {
  await vi.advanceTimersByTimeAsync(ms);
  flushSync();
}
async function open(server: Kiosk) {
  kiosk = server;
  vi.stubGlobal("fetch", kiosk.fetch);
  let rerender: (props: never) => Promise<void> = () => Promise.resolve();
  const desk = { tokenFor: () => "token", take: (poll: Poll) => void rerender({ poll } as never) };
  ({ rerender } = render(Panel as never, { desk, poll: kiosk.poll } as never));
  show = (poll) => rerender({ poll } as never);
  await pass(1_100);
}
/** Lets the page hear how the poll stands. */
async function hear() {
  await show(kiosk.poll);
  await pass(1_100);
}
const items = () => [...document.querySelectorAll<HTMLElement>("[role=list] > li")];
const rows = () => items().map((row) => row.querySelector("bdi")!.textContent);
const focused = () => document.activeElement?.querySelector("bdi")?.textContent;
async function press(key: string, on: Element = document.activeElement!) {
  await fireEvent.keyDown(on, { key });
  await pass();
}
/** Clicks the first button with these words. Looking for them by their role takes a second for each list. */
async function click(words: string) {
  const button = [...document.querySelectorAll("button")].find(({ textContent }) => textContent.trim() === words);
  await fireEvent.click(button!);
  await pass();
}
const tab = (name: string) => screen.getByRole("tab", { name: new RegExp(name) });

test("by key: to the words, along them, show, hide, undo; the next row has the focus each time", async () => {
  await open(new Kiosk(["a", "b", "c", "d"]));
  await press("w", document.body);
  expect(focused()).toBe("d");
  await press("j");
  await press("a");
  expect([focused(), kiosk.stateOf("c"), rows()]).toEqual(["b", "shown", ["d", "b", "a"]]);
  expect(voice.said).toContain("is shown");
  await press("H");
  expect([focused(), kiosk.stateOf("b")]).toEqual(["a", "hidden"]);
  await press("z");
  expect([focused(), kiosk.stateOf("b"), rows()]).toEqual(["a", "waiting", ["d", "b", "a"]]);
  expect(voice.said).toMatch(/“.b.” waits again/);
  await press("ArrowUp");
  await press("Enter");
  expect([focused(), kiosk.stateOf("b")]).toEqual(["a", "shown"]);
  await press("k");
  await press("a");
  expect([focused(), kiosk.stateOf("d")]).toEqual(["a", "shown"]);
  await press("a");
  expect(document.activeElement!.textContent).toContain("No word waits");
  await press("a");
  expect([left, kiosk.words.map(({ decided }) => decided)]).toEqual([[], Array(4).fill("shown")]);
});

test("a key decides nothing unless a row has the focus, and in the field it only types", async () => {
  await open(new Kiosk(["a", "b"]));
  tab("Waiting").focus();
  await press("h");
  expect([kiosk.stateOf("b"), focused()]).toEqual(["waiting", "b"]);
  await press("/");
  expect(document.activeElement).toBe(screen.getByRole("searchbox"));
  await press("h");
  await press("z");
  expect([kiosk.stateOf("b"), left]).toEqual(["waiting", []]);
  await fireEvent.input(document.activeElement!, { target: { value: "A" } });
  await pass();
  expect(rows()).toEqual(["a"]);
  await press("Enter");
  expect(focused()).toBe("a");
  await fireEvent.keyDown(document.activeElement!, { key: "h", repeat: true });
  await fireEvent.keyDown(document.activeElement!, { key: "h", ctrlKey: true });
  await pass();
  expect(kiosk.stateOf("a")).toBe("waiting");
});

test("erasing asks first; only a yes erases, and then the next row has the focus", async () => {
  await open(new Kiosk(["a", "b"]));
  await press("w", document.body);
  await press("e");
  expect(screen.getByRole("dialog").textContent).toContain("This cannot be undone.");
  await click("Keep it");
  expect([kiosk.stateOf("b"), rows()]).toEqual(["waiting", ["b", "a"]]);
  items()[0]!.focus();
  await press("e");
  await click("Erase it for good");
  expect([kiosk.stateOf("b"), rows()]).toEqual(["erased", ["a"]]);
  await fireEvent.click(tab("Hidden"));
  await pass();
  expect([rows(), screen.getByRole("tabpanel").textContent]).toEqual([
    [],
    expect.stringContaining("1 word is erased for good."),
  ]);
});

/** The line below the list, with its button. */
const line = () => document.querySelector(".latest")!.textContent.replace(/\s+/g, " ").trim();
const hint = () => document.querySelector(".keys")!.textContent;

test("the line, the button and the hint say what an undo does, and after an erasure that there is none", async () => {
  await open(new Kiosk(["a", "b", "c"]));
  expect([line(), hint()]).toEqual(["", expect.stringMatching(/Z undo\b(?!:)/)]);
  await press("w", document.body);
  await press("h");
  expect([line(), hint()]).toEqual([
    "“c” is hidden. Undo: let it wait again",
    expect.stringContaining("Z undo: let it"),
  ]);
  await press("e");
  await click("Erase it for good");
  expect([line(), hint()]).toEqual([
    "The word is erased for good. Nothing can be undone.",
    expect.stringMatching(/Z undo\b(?!:)/),
  ]);
  expect(voice.said).not.toContain("“");
  await press("z");
  expect([voice.said, kiosk.stateOf("c")]).toEqual(["There is nothing to undo", "hidden"]);
  await press("a");
  await click("Undo: let it wait again");
  expect([kiosk.stateOf("a"), rows()]).toEqual(["waiting", ["a"]]);
});

test("when two decide about a word at once, the line says what the server has made of it", async () => {
  await open(new Kiosk(["gamma", "delta"]));
  await press("w", document.body);
  await press("j");
  kiosk.held = true;
  await press("h");
  expect(line()).toBe("“gamma” is hidden. Undo: let it wait again");
  kiosk.release();
  await pass();
  kiosk.take({ show: [kiosk.idOf("gamma")] });
  await hear();
  await pass(1_000);
  expect(line()).toBe("“gamma” is shown: somebody else has decided about it.");
  await press("z");
  expect([kiosk.stateOf("gamma"), line()]).toEqual(["shown", "“gamma” is shown: somebody else has decided about it."]);
  kiosk.take({ erase: [kiosk.idOf("gamma")] });
  await hear();
  await pass(1_000);
  expect(document.body.textContent).not.toContain("gamma");
  expect(line()).toBe("Somebody else has erased the word for good. Nothing can be undone.");
});

test("by mouse: a double-click decides about one word", async () => {
  await open(new Kiosk(["a", "b", "c"]));
  await click("Show");
  await click("Show");
  expect(rows()).toEqual(["b", "a"]);
  await pass(400);
  await click("Hide");
  expect([kiosk.stateOf("b"), rows()]).toEqual(["hidden", ["a"]]);
});

test("what somebody else does disturbs nobody: the focus and its row stay, and the row says so", async () => {
  await open(new Kiosk(["a", "b", "c"]));
  await press("w", document.body);
  await press("j");
  kiosk.take({ hide: [kiosk.idOf("b")] });
  kiosk.come("d");
  await hear();
  expect([focused(), rows()]).toEqual(["b", ["c", "b", "a"]]);
  expect(document.activeElement!.textContent).toContain("Somebody else has decided about it.");
  await press("a");
  expect([kiosk.stateOf("b"), focused()]).toEqual(["hidden", "b"]);
  await click("1 more");
  expect(rows()).toEqual(["d", "c", "a"]);
  expect(document.activeElement).toBe(document.querySelector(".box"));
  await press("h");
  expect([kiosk.stateOf("d"), focused()], "the first key gives the focus to a row").toEqual(["waiting", "d"]);
  kiosk.come("e");
  await hear();
  expect(rows()).toEqual(["d", "c", "a"]);
  await pass(15_000);
  expect([rows(), focused()], "the keys rest").toEqual([["e", "d", "c", "a"], "d"]);
});

test("what waits is said politely, in one sentence, at most every ten seconds", async () => {
  await open(new Kiosk(["a", "b", "c"]));
  await pass(1_000);
  const said = () =>
    screen
      .getAllByRole("status")
      .map((one) => one.textContent!.trim())
      .filter((text) => /wait/.test(text));
  expect(said()).toEqual(["3 words wait"]);
  kiosk.come("d");
  await hear();
  kiosk.come("e");
  await hear();
  expect(said()).toEqual(["3 words wait"]);
  await pass(10_000);
  expect(said()).toEqual(["5 words wait"]);
});

test("switching approval off says what everybody will see, and asks first", async () => {
  await open(new Kiosk(["a", "b"]));
  const box = screen.getByRole<HTMLInputElement>("checkbox", { name: "Show new words only after approval" });
  await fireEvent.click(box);
  expect(screen.getByRole("dialog").textContent).toContain("Everybody sees the 2 words that wait at once");
  await click("Keep approval");
  expect([box.checked, kiosk.poll.approve]).toEqual([true, true]);
  await fireEvent.click(box);
  await click("Show 2 words now");
  await hear();
  expect([box.checked, kiosk.poll.approve, kiosk.stateOf("a")]).toEqual([false, false, "shown"]);
  await fireEvent.click(box);
  await click("Keep what is shown");
  await hear();
  expect([box.checked, kiosk.poll.approve, kiosk.stateOf("a")]).toEqual([true, true, "shown"]);
});

test("all that wait are shown at once, after a question", async () => {
  await open(new Kiosk(["a", "b"]));
  await click("Show all waiting…");
  await click("Not yet");
  expect(kiosk.stateOf("a")).toBe("waiting");
  await click("Show all waiting…");
  await click("Show 2 words");
  await hear();
  expect([kiosk.stateOf("a"), kiosk.stateOf("b"), rows()]).toEqual(["shown", "shown", []]);
});

test("while nobody answers, decisions wait and the page says so, in a closed poll as well", async () => {
  await open(new Kiosk(["a", "b"]));
  kiosk.poll = { ...kiosk.poll, status: "closed" };
  await hear();
  kiosk.silent = true;
  await press("w", document.body);
  await press("a");
  await pass(2_500);
  expect(document.body.textContent).toContain("1 decision has no answer from the server yet");
  kiosk.silent = false;
  await pass(6_000);
  expect([kiosk.stateOf("b"), document.body.textContent]).toEqual(["shown", expect.not.stringContaining("no answer")]);
});

test("the studio's list of keys has these beside its own, some of which are the same keys", () => {
  kiosk = new Kiosk();
  render(Shortcuts, { open: true });
  flushSync();
  expect(screen.getByRole("dialog").textContent).toMatch(/Access: .*On a word: hide it/);
});
