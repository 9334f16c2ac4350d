// Tests that what is on the screen follows whatever anybody does to it, wherever they do it, without being
// asked to.

import { cleanup, render, screen } from "@testing-library/svelte";
import type { Component } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Desk } from "./desk.svelte";
import EventPage from "./event/EventPage.svelte";
import { eventOf, Hall, idOf, lineOf, pollOf } from "./fixture";
import Overview from "./overview/Overview.svelte";
import PollPage from "./poll/PollPage.svelte";
import { Router } from "./router.svelte";
import { Screen } from "./screen";

let hall: Hall, desk: Desk, router: Router;
const event = idOf(9);
const [draft, first, second, third] = [3, 11, 12, 13].map(idOf) as [string, string, string, string];
const lines = (...ids: string[]) => ids.map((id) => lineOf(hall.polls.get(id)!));
const text = (where = "body") => document.querySelector(where)!.textContent;

beforeEach(async () => {
  hall = new Hall();
  const of = [
    pollOf(11, { eventId: event }),
    pollOf(12, { eventId: event, status: "draft" }),
    pollOf(13, { eventId: event, status: "draft" }),
  ];
  desk = await hall.desks(pollOf(3, { status: "draft" }), ...of, eventOf(9, of));
  router = new Router();
});
afterEach(() => {
  cleanup();
  router.close();
  hall.close();
});

async function show(page: Component<any>, props: object = {}) {
  const shown = render(page, { desk, router, ...props });
  await hall.settle();
  return shown;
}

test("the stage shows a draft, which opens it: the event's page offers what an open poll is offered", async () => {
  await show(EventPage, { id: event });
  hall.poll(second, { status: "open" });
  hall.event(event, { current: second });
  await hall.settle();
  const card = document.querySelector("section[aria-labelledby=stage-title]")!;
  expect(card.textContent).toMatch(/Poll 12\?\s*Open/);
  expect(screen.getByRole("button", { name: "Close" })).toBeTruthy();
  hall.poll(second, { status: "closed", final: true, revealed: false });
  await hall.settle();
  expect(card.textContent).toMatch(/Poll 12\?\s*Final/);
  expect(screen.getByRole("button", { name: "Reveal results" })).toBeTruthy();
});

for (const [name, page, props, list] of [
  ["the overview", Overview, {}, "section[aria-label='Polls and events']"],
  ["the event's page", EventPage, { id: event }, "ol[aria-label='Polls in order']"],
] as [string, Component<any>, object, string][]) {
  test(`${name} sees what is opened, renamed, added, deleted and put in order`, async () => {
    await show(page, props);
    hall.poll(third, { question: "Renamed?", status: "open" });
    hall.put(pollOf(14, { eventId: event, status: "draft", question: "Added?" }));
    hall.polls.delete(second);
    hall.event(event, { polls: lines(third, first, idOf(14)) });
    await hall.settle();
    const at = ["Renamed?", "Poll 11?", "Added?"].map((words) => text(list).indexOf(words));
    expect(
      at.every((one) => one >= 0),
      text(list),
    ).toBe(true);
    expect([...at].sort((a, b) => a - b)).toEqual(at);
    expect(text(list)).not.toContain("Poll 12?");
    expect(desk.poll(third)!.status).toBe("open");
    expect(desk.poll(second)).toBe(undefined);
  });
}

test("a draft that is edited where its line in the event does not show it is fetched", async () => {
  await show(PollPage, { id: second });
  hall.poll(second, {
    options: [
      { id: 1, text: "Quite", votes: 0 },
      { id: 2, text: "No", votes: 0 },
    ],
  });
  await hall.settle();
  expect(screen.getByLabelText<HTMLInputElement>("Option A").value).toBe("Quite");
});

test("an event that is deleted elsewhere goes", async () => {
  await show(EventPage, { id: event });
  const { polls } = hall.events.get(event)!;
  polls.forEach(({ id }) => hall.polls.delete(id));
  // An event's deletion is told as an event without polls; asked for, it is not found.
  const told = { ...hall.events.get(event)!, version: 99, polls: [], current: null };
  hall.events.delete(event);
  desk.takeEvent(told);
  await hall.settle();
  expect(document.querySelector("h1")!.textContent).toContain("There is no such event here");
});

test("of many events each is followed, and of many drafts each has its turn within seconds", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const events = Array.from({ length: 12 }, (_, i) => `event${i}`),
    drafts = Array.from({ length: 14 }, (_, i) => `draft${i}`);
  const asked = new Set<string>();
  const seen = new Screen(
    {
      eventOf: (id) => (id.startsWith("event") ? id : null),
      isLoneDraft: (id) => id.startsWith("draft"),
      tokens: () => [],
      ask: async () => null,
      load: async (draft) => !!asked.add(draft),
      hear: () => {},
    },
    { socket: () => ({ close() {} }) },
  );
  seen.look([...events, ...drafts]);
  expect(seen.followed).toEqual(events);
  await vi.advanceTimersByTimeAsync(2_100);
  expect([...asked].sort()).toEqual([...drafts].sort());
  seen.close();
  vi.useRealTimers();
});

test("a draft in no event, which nobody can watch, is asked for while it is on the screen", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  hall.close();
  hall = new Hall();
  desk = await hall.desks(pollOf(3, { status: "draft" }));
  const asked = () => hall.asked.filter((one) => one === `GET /api/polls/${draft}`).length;
  const before = asked();
  vi.advanceTimersByTime(5_000);
  expect(asked(), "nobody looks at it").toBe(before);
  const { unmount } = await show(PollPage, { id: draft });
  hall.poll(draft, { status: "open" });
  vi.advanceTimersByTime(1_000);
  await hall.settle();
  expect(document.querySelector("[data-status=open]")).not.toBe(null);
  expect(screen.getByRole("button", { name: "Close" })).toBeTruthy();
  const then = asked();
  vi.advanceTimersByTime(5_000);
  expect(asked(), "it is watched now").toBe(then);
  unmount();
  vi.useRealTimers();
});

test("events are followed while they are on the screen, each by one connection that votes do not disturb", async () => {
  const followed = () => hall.watching.filter((query) => query.includes("event="));
  expect(followed()).toEqual([]);
  const { unmount } = await show(Overview);
  expect(followed()).toEqual([`?event=${event}`]);
  const opened = hall.opened;
  for (let i = 0; i < 30; i++) {
    hall.vote(first);
    await hall.settle();
  }
  expect(hall.opened).toBe(opened);
  unmount();
  expect(followed()).toEqual([]);
});

test("a server that greets anew, and does not know yet who asks, takes no draft off the page", async () => {
  await show(EventPage, { id: event });
  const rows = [...document.querySelectorAll("ol[aria-label='Polls in order'] li")];
  expect(rows.length).toBe(3);
  let least = 3;
  const watch = new MutationObserver(() => {
    least = Math.min(least, document.querySelectorAll("ol[aria-label='Polls in order'] li").length);
  });
  watch.observe(document.body, { childList: true, subtree: true });
  hall.event(event, { version: 40 });
  hall.greet("2");
  await hall.settle();
  watch.disconnect();
  expect(least).toBe(3);
  expect([...document.querySelectorAll("ol[aria-label='Polls in order'] li")]).toEqual(rows);
});

test("what is followed is told in full once another token is held for it", async () => {
  await show(EventPage, { id: event });
  expect(hall.tokensFor(`event=${event}`)).toEqual([`token of ${event}`]);
  await desk.keep("event", event, "typed in");
  await hall.settle();
  expect(hall.tokensFor(`event=${event}`)).toEqual(["typed in"]);
  const { opened } = hall;
  hall.vote(first);
  await desk.refresh({ all: true });
  await hall.settle();
  expect(hall.opened).toBe(opened);
});

const AWAY =
  "a server that is away is asked for drafts less and less often, and not at all by a page that nobody " + "sees";
test(AWAY, async () => {
  vi.useFakeTimers();
  let asked = 0,
    there = true;
  const watched = new Screen({
    eventOf: () => null,
    isLoneDraft: () => true,
    tokens: () => [],
    ask: async () => null,
    hear: () => {},
    load: async () => {
      asked++;
      return there;
    },
  });
  watched.look([draft, first]);
  /** Counts how often each was asked for within this time. */
  const within = async (ms: number) => {
    asked = 0;
    await vi.advanceTimersByTimeAsync(ms);
    return asked / 2;
  };
  expect(await within(10_000)).toBe(20);
  there = false;
  expect(await within(60_000)).toBeLessThan(7);
  expect(await within(600_000)).toBeLessThan(22);
  there = true;
  await within(31_000);
  expect(await within(10_000)).toBe(20);
  vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  expect(await within(10_000)).toBe(0);
  watched.close();
  vi.restoreAllMocks();
  vi.useRealTimers();
});
