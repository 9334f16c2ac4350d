// Tests how a ranking is put in order by dragging: rows move by transforms while one is held, change places once,
// and go back where the hand means nothing.

import { flushSync } from "svelte";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { Booth } from "../../vote/fixture";
import { enter, FakeRoom } from "../../vote/fixture-room.svelte";
import { kinds } from "../../vote/kinds.svelte";
import { speech } from "../../vote/words.svelte";
import type { RankingPoll } from "../kind";
import { makeRanking } from "./fixture";

const POLL = makeRanking([
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
]);
/** The height of a row with its gap. */
const ROOM = 100,
  HEIGHT = 90;

let room: FakeRoom<RankingPoll>, unmount: () => void;
beforeAll(async () => {
  await kinds.load("ranking");
  await speech.use("en");
});
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "requestAnimationFrame", "cancelAnimationFrame"] });
  vi.stubGlobal("scrollTo", () => {});
  vi.stubGlobal("scrollBy", vi.fn());
  vi.spyOn(HTMLElement.prototype, "offsetTop", "get").mockImplementation(function (this: HTMLElement) {
    return ROOM * [...(this.parentElement?.children ?? [])].indexOf(this);
  });
  vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(HEIGHT);
  localStorage.clear();
  sessionStorage.clear();
  new Booth();
  room = new FakeRoom();
  unmount = enter(room);
  room.show(POLL);
  vi.advanceTimersByTime(500);
  flushSync();
});
afterEach(() => {
  unmount();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const rows = () => [...document.querySelectorAll<HTMLElement>(".ranking li")];
const nameOf = (row: HTMLElement) => row.querySelector(".named > :first-child")!.textContent;
const rowOf = (text: string) => rows().findIndex((row) => nameOf(row) === text);
const paper = () =>
  rows()
    .map((one) => one.querySelector(".badge")!.textContent + nameOf(one))
    .join(" ");
const shifts = () => rows().map(({ style }) => style.transform);
/** Sends a pointer's event to the handle of this row, or to the window. */
function point(type: string, y: number, text?: string, rest: PointerEventInit = {}) {
  const at = text === undefined ? window : rows()[rowOf(text)]!.querySelector(".grip")!;
  at.dispatchEvent(new PointerEvent(type, { clientY: y, pointerId: 1, bubbles: true, ...rest }));
  flushSync();
}
/** Takes hold of an option in its row's middle and moves it by so many rows. */
function hold(text: string, by: number) {
  const middle = ROOM * rowOf(text) + HEIGHT / 2;
  point("pointerdown", middle, text);
  point("pointermove", middle + by * ROOM);
}
function drag(text: string, by: number) {
  hold(text, by);
  point("pointerup", 0);
}

test("what is dragged to the top has the first place; below it the next may be put", () => {
  drag("Juice", -2);
  expect(paper()).toBe("1Juice Tea Coffee Water");
  drag("Water", -2);
  expect(paper()).toBe("1Juice 2Water Tea Coffee");
  drag("Water", -1);
  expect(paper()).toBe("1Water 2Juice Tea Coffee");
});

test("while it is held the others make room; nothing is in another place before it is let go", () => {
  hold("Juice", -1.8);
  expect([shifts(), paper()]).toEqual([
    ["translateY(100px)", "translateY(100px)", "translateY(-180px)", "translateY(0px)"],
    "Tea Coffee Juice Water",
  ]);
  expect([rows()[2]!.className, document.querySelector("ol")!.className]).toEqual([
    expect.stringContaining("held"),
    "dragging",
  ]);
  point("pointerup", 0);
  expect([shifts(), paper()]).toEqual([["", "", "", ""], "1Juice Tea Coffee Water"]);
});

test("what is dragged below all places loses its own; one dragged in pushes the last one out", () => {
  drag("Tea", 0.3);
  expect(paper(), "back in its row it means nothing").toBe("Tea Coffee Juice Water");
  drag("Juice", -2);
  drag("Coffee", -1);
  expect(paper()).toBe("1Juice 2Coffee Tea Water");
  drag("Water", -3);
  expect(paper()).toBe("1Water 2Juice Tea Coffee");
  drag("Water", 2);
  expect(paper()).toBe("1Juice Tea Coffee Water");
});

test("what has no place takes the next one wherever it is dragged up to, and none when it is dragged down", () => {
  drag("Tea", 0);
  drag("Water", -1);
  expect(paper()).toBe("1Tea 2Water Coffee Juice");
  drag("Juice", -1);
  expect(paper(), "all places are given").toBe("1Tea 2Water Coffee Juice");
  drag("Water", 0);
  drag("Coffee", 1);
  expect(paper()).toBe("1Tea Coffee Juice Water");
});

test("a handle that is not moved is tapped", () => {
  drag("Coffee", 0);
  expect(paper()).toBe("1Coffee Tea Juice Water");
  drag("Coffee", 0.04);
  expect(paper()).toBe("Tea Coffee Juice Water");
});

test.each([
  ["the browser takes the pointer away", () => point("pointercancel", 0)],
  ["Escape is pressed", () => window.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }))],
  ["the poll is closed", () => room.told({ status: "closed" })],
])("a row goes back when %s", (_, interrupt) => {
  hold("Juice", -2);
  interrupt();
  flushSync();
  expect([shifts(), document.querySelector("ol.dragging")]).toEqual([["", "", "", ""], null]);
  point("pointerup", 0);
  expect(paper()).toBe("Tea Coffee Juice Water");
});

test("votes of others take nothing out of the hand", () => {
  hold("Juice", -2);
  room.told(
    makeRanking([
      [1, 0],
      [0, 1],
      [0, 0],
      [0, 0],
    ]),
  );
  expect(shifts()[2]).toBe("translateY(-200px)");
  point("pointerup", 0);
  expect(paper()).toBe("1Juice Tea Coffee Water");
});

test("another finger or another button does nothing", () => {
  point("pointerdown", 245, "Juice", { button: 2 });
  point("pointermove", 45);
  expect(shifts()).toEqual(["", "", "", ""]);
  point("pointerdown", 245, "Juice");
  point("pointermove", 45, undefined, { pointerId: 2 });
  point("pointerup", 45, undefined, { pointerId: 2 });
  expect([shifts(), paper()]).toEqual([["", "", "", ""], "Tea Coffee Juice Water"]);
});

test("near an edge of the window a held row scrolls the page until it is let go", () => {
  document.querySelector(".dock")!.getBoundingClientRect = () => new DOMRect(0, 600, 390, 150);
  hold("Juice", -2);
  vi.advanceTimersByTime(50);
  expect(scrollBy).toHaveBeenCalledWith(0, (45 - 70) / 8);
  point("pointermove", 300);
  vi.mocked(scrollBy).mockClear();
  vi.advanceTimersByTime(50);
  expect(scrollBy).not.toHaveBeenCalled();
  point("pointermove", 570);
  vi.advanceTimersByTime(20);
  expect(scrollBy, "it goes down above what lies over the page").toHaveBeenCalledWith(0, 40 / 8);
  vi.mocked(scrollBy).mockClear();
  point("pointermove", 20);
  point("pointerup", 20);
  vi.advanceTimersByTime(50);
  expect(scrollBy).not.toHaveBeenCalled();
});
