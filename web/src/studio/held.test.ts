// Tests that nothing which an organiser holds on a page is lost to what others do meanwhile.

import { fireEvent, render, screen } from "@testing-library/svelte";
import type { Component } from "svelte";
import { expect, test, vi } from "vitest";
import { refusal } from "../api/fixture";
import { keepToken } from "../api/identity";
import Access from "./access/Access.svelte";
import PollEditor from "./edit/PollEditor.svelte";
import EventPage from "./event/EventPage.svelte";
import NewEvent from "./event/NewEvent.svelte";
import { idOf, lineOf, pollOf } from "./fixture";
import { desk, draft, event, first, hall, open, other, router, second, setUp, show, third } from "./held-fixture";
import Overview from "./overview/Overview.svelte";
import PollPage from "./poll/PollPage.svelte";
import Sure from "./poll/Sure.svelte";
import Trying from "./Trying.svelte";
import { voice } from "./voice.svelte";

setUp();

const FIELDS = "input:not([type=file], [readonly]), textarea:not([readonly]), select, details, dialog";
/** Returns all that can be held on a page: the very fields, and what is in them. */
function held() {
  const fields = [...document.querySelectorAll<HTMLInputElement & HTMLDetailsElement>(FIELDS)];
  return {
    fields,
    focus: document.activeElement,
    state: fields.map((field) => [
      field.id || field.name || field.tagName,
      field.value,
      field.checked,
      field.open,
      field.selectionStart,
    ]),
    faults: [...document.querySelectorAll(".fault")].map((fault) => fault.textContent),
  };
}

/** Types, chooses and opens whatever there is. */
async function hold() {
  for (const one of document.querySelectorAll("details")) one.open = true;
  await hall.settle();
  for (const field of document.querySelectorAll<HTMLInputElement>(
    "input:not([type=file], [readonly]), textarea:not([readonly])",
  )) {
    if (["checkbox", "radio", "color", "number", "datetime-local"].includes(field.type)) continue;
    await fireEvent.input(field, { target: { value: `${field.value} half a wo` } });
  }
  for (const field of document.querySelectorAll<HTMLInputElement>("input[type=checkbox]")) await fireEvent.click(field);
  await hall.settle();
  const texts = [
    ...document.querySelectorAll<HTMLInputElement>(
      "input:not([type]), input[type=search], input[type=password]:not([readonly]), textarea:not([readonly])",
    ),
  ];
  texts.at(-1)?.focus();
  texts.at(-1)?.setSelectionRange(3, 5);
}

/**
 * Lets others act: votes, other organisers' changes, another tab, a regular request, a connection that comes
 * back.
 */
async function others() {
  for (let i = 0; i < 12; i++) {
    for (const id of [open, other, first]) hall.vote(id);
    if (i % 4 === 0) await hall.settle();
  }
  hall.event(event, { polls: [third, first, second].map((id) => lineOf(hall.polls.get(id)!)) });
  hall.poll(third, { status: "open" });
  await hall.settle();
  hall.event(event, { current: third });
  hall.poll(other, { revealed: true });
  hall.poll(second, { options: hall.polls.get(second)!.options.slice(0, 2) });
  await hall.settle();
  await desk.refresh({ all: true });
  hall.greet("2");
  await hall.settle();
  keepToken(idOf(77), "made in another tab");
  hall.put(pollOf(77));
  window.dispatchEvent(new StorageEvent("storage"));
  await hall.settle();
  hall.vote(open);
  await hall.settle();
}

const PAGES: [string, Component<any>, () => object][] = [
  ["the overview", Overview, () => ({})],
  ["a poll that runs", PollPage, () => ({ id: open })],
  ["a draft", PollPage, () => ({ id: draft })],
  ["an event", EventPage, () => ({ id: event })],
  ["a poll that is nowhere", PollPage, () => ({ id: idOf(404) })],
  ["a new poll", PollEditor, () => ({})],
  ["a new poll of an event", PollEditor, () => ({ event })],
  ["a new event", NewEvent, () => ({})],
  ["access", Access, () => ({})],
];
for (const [name, page, props] of PAGES) {
  test(`${name}: what is written, chosen, opened and in focus stays through all that others do`, async () => {
    await show(page, props());
    await hold();
    const before = held();
    expect(before.fields.length).toBeGreaterThan(0);
    await others();
    const after = held();
    before.fields.forEach((field, i) =>
      expect(after.fields.includes(field), `${before.state[i]} is another field now`).toBe(true),
    );
    for (const [i, field] of before.fields.entries())
      expect(after.state[after.fields.indexOf(field)]).toEqual(before.state[i]);
    expect(after.focus).toBe(before.focus);
    expect(after.faults.filter(Boolean)).toEqual(before.faults.filter(Boolean));
  });
}

test("the question whether to delete stays open, and about the same poll, whatever comes on stage", async () => {
  await show(EventPage, { id: event });
  render(Sure, { desk, router });
  await fireEvent.click(screen.getByText("Delete…"));
  const dialog = () =>
    [...document.querySelectorAll("dialog")].find((one) => one.open && one.textContent.includes("Delete this poll"));
  expect(dialog()!.textContent).toContain("Poll 11?");
  await others();
  hall.event(event, { current: second });
  hall.poll(second, { status: "open" });
  await hall.settle();
  expect(document.querySelector("section[aria-labelledby=stage-title]")!.textContent).toContain("Poll 12?");
  expect(dialog()!.textContent).toContain("Poll 11?");
  await fireEvent.click([...dialog()!.querySelectorAll("button")].at(-1)!);
  expect(hall.asked.filter((one) => one.startsWith("DELETE")).map((one) => one.split("?")[0])).toEqual([
    `DELETE /api/polls/${first}`,
  ]);
});

const DELETED: [string, Component<any>, string, string, string][] = [
  ["poll", PollPage, open, "Delete…", "Delete, and lose no votes"],
  ["event", EventPage, event, "Delete the event…", "Delete 3 polls and 0 votes"],
];
for (const [kind, page, id, ask, sure] of DELETED) {
  test(`${kind}: a deletion is believed once a read says that it is gone`, async () => {
    await show(page, { id });
    voice.said = "";
    if (kind === "poll") render(Sure, { desk, router });
    const token = `pollux.token.${id}`,
      deletions = () => hall.asked.filter((one) => one.startsWith("DELETE")).length;
    hall.feigned = 1;
    await fireEvent.click(screen.getByText(ask));
    await fireEvent.click(screen.getByText(sure));
    await hall.settle();
    expect([deletions(), localStorage.getItem(token), voice.said]).toEqual([1, expect.anything(), ""]);
    await vi.waitFor(() => expect(localStorage.getItem(token)).toBe(null), { timeout: 3_000 });
    const there = hall.polls.has(id) || hall.events.has(id);
    expect([deletions(), there, voice.said.trim()]).toEqual([2, false, `The ${kind} is deleted`]);
  });
}

test("once it is answered the dialog is gone, and what becomes of the change is told beside the buttons", async () => {
  await show(PollPage, { id: open });
  render(Sure, { desk, router });
  render(Trying);
  const dialog = () => [...document.querySelectorAll("dialog")].find((one) => one.open);
  const there = vi.mocked(fetch);
  let answer = (): Promise<Response> => Promise.reject(new TypeError("Failed to fetch"));
  vi.stubGlobal("fetch", (path: string, rest?: RequestInit) =>
    path.includes("/reset") ? answer() : there(path, rest),
  );
  await fireEvent.click(screen.getByText("Reset…"));
  await fireEvent.click([...dialog()!.querySelectorAll("button")].at(-1)!);
  await vi.waitFor(() => expect(document.body.textContent).toContain("No answer yet; trying again…"));
  expect(dialog()).toBe(undefined);
  answer = () => Promise.resolve(refusal(422, "rules-broken", { detail: "it cannot be" }));
  await vi.waitFor(() => expect(screen.getByText("It cannot be").role).toBe("alert"), { timeout: 3_000 });
  expect(dialog()).toBe(undefined);
  expect(document.body.textContent).not.toContain("trying again");
});

test("and when the draft it is about is opened elsewhere", async () => {
  await show(PollPage, { id: draft });
  render(Sure, { desk, router });
  await fireEvent.click(screen.getByText("Delete…"));
  hall.poll(draft, { status: "open" });
  desk.take(hall.polls.get(draft)!);
  await hall.settle();
  expect(screen.queryByLabelText("Question")).toBe(null);
  expect([...document.querySelectorAll("dialog")].some((one) => one.open)).toBe(true);
});

test("the focus in a poll that leaves the stage goes to the card's heading, to no button of the next", async () => {
  await show(EventPage, { id: event });
  screen.getByText("Close").focus();
  hall.poll(second, { status: "open" });
  hall.event(event, { current: second });
  await hall.settle();
  expect(screen.getByText("Close").tagName).toBe("BUTTON");
  expect(document.activeElement).toBe(screen.getByText("On stage", { selector: "h2" }));
});

for (const [name, current] of [
  ["Show none", null],
  ["Show next", third],
] as const) {
  test(`nor is it lost from “${name}” when somebody else steps to where that cannot be pressed`, async () => {
    await show(EventPage, { id: event });
    screen.getByText(name).focus();
    hall.event(event, { current });
    await hall.settle();
    expect(document.activeElement).toBe(screen.getByText("On stage", { selector: "h2" }));
  });
}

test("one that somebody else has deleted is called gone, on its own page too", async () => {
  await show(PollPage, { id: open });
  hall.delete(open);
  await hall.settle();
  expect(document.querySelector("h1")!.textContent).toContain("There is no such poll here");
});

/** Lays out rows of fifty pixels, one below another. */
function laidOut() {
  for (const row of agenda()) {
    const place = () => [...row.parentElement!.children].indexOf(row);
    Object.defineProperties(row, { offsetTop: { get: () => place() * 50 }, offsetHeight: { value: 40 } });
  }
}
const agenda = () => [...document.querySelectorAll<HTMLElement>("ol[aria-label='Polls in order'] li")];
const names = () => agenda().map((row) => row.querySelector(".words")!.textContent);
const hand = (type: string, clientY: number, at: Element | Window = window) =>
  fireEvent(at, new PointerEvent(type, { clientY, bubbles: true }));

test("a row in the hand stays in it while others reorder, add and delete", async () => {
  await show(EventPage, { id: event });
  laidOut();
  const row = agenda()[0]!;
  await hand("pointerdown", 100, row.querySelector(".grip")!);
  await hand("pointermove", 130);
  expect(row.classList.contains("lifted")).toBe(true);
  const at = () => Number(row.style.transform.match(/-?[\d.]+/)![0]) + row.offsetTop;
  const before = at();
  hall.put(pollOf(14, { eventId: event, status: "draft" }));
  hall.event(event, { polls: [idOf(14), third, first].map((id) => lineOf(hall.polls.get(id)!)) });
  hall.vote(first);
  await hall.settle();
  expect(names()).toEqual(["Poll 14?", "Poll 13?", "Poll 11?"]);
  expect(agenda()[2]).toBe(row);
  expect(row.classList.contains("lifted")).toBe(true);
  expect(at(), "it jumps under the pointer").toBe(before);
  await hand("pointermove", 90);
  await hand("pointerup", 90);
  await hall.settle();
  expect(hall.asked.filter((one) => one.startsWith("PATCH")).length).toBe(1);
});

test("a row that somebody else takes away is let go, and nothing else is moved", async () => {
  await show(EventPage, { id: event });
  laidOut();
  await hand("pointerdown", 100, agenda()[0]!.querySelector(".grip")!);
  await hand("pointermove", 200);
  hall.event(event, { polls: [second, third].map((id) => lineOf(hall.polls.get(id)!)), current: null });
  await hall.settle();
  await hand("pointerup", 200);
  await hall.settle();
  expect(hall.asked.filter((one) => one.startsWith("PATCH"))).toEqual([]);
  expect(agenda().every((row) => !row.style.transform)).toBe(true);
});

test("the focus in a row goes with it when others reorder", async () => {
  await show(EventPage, { id: event });
  for (const i of [0, 1, 2]) {
    const grip = agenda()[i]!.querySelector<HTMLElement>(".grip")!;
    grip.focus();
    const { polls } = hall.events.get(event)!;
    hall.event(event, { polls: [polls[2]!, polls[0]!, polls[1]!] });
    await hall.settle();
    expect(document.activeElement).toBe(grip);
  }
});
