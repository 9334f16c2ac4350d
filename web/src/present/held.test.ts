// Tests that whatever somebody at the stage has opened, chosen or begun stays through all that others do.

import { cleanup, fireEvent, render, screen } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { POLL } from "../api/fixture";
import type { Event, Poll } from "../api/generated";
import type { Message } from "../live/messages";
import Ranks from "./Ranks.svelte";
import Stage from "./Stage.svelte";

const poll = (rest: Partial<Poll> = {}): Poll =>
  ({
    ...POLL,
    id: "p",
    status: "closed",
    final: true,
    options: [
      { id: 1, text: "Yes", votes: 3 },
      { id: 2, text: "No", votes: 1 },
    ],
    totalVotes: 4,
    totalVoters: 4,
    closedAt: "2026-01-01T00:01:00Z",
    eventId: "e",
    resultHash: "ab".repeat(32),
    ...rest,
  }) as Poll;
const line = { id: "p", question: "Which?", kind: "single", status: "closed", final: true, revealed: true };
const event = (rest: Partial<Event> = {}): Event => ({
  id: "e",
  code: "482913",
  title: "Conf",
  accent: null,
  layout: "bars",
  logo: null,
  current: "p",
  polls: [line, { ...line, id: "q" }],
  embed: [],
  lone: false,
  version: 1,
  createdAt: "2026-01-01T00:00:00Z",
  ...rest,
});

class Socket {
  static all: Socket[] = [];
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  onopen: (() => void) | null = null;
  readyState = 1;
  constructor() {
    Socket.all.push(this);
    setTimeout(() => this.say({ type: "hello", epoch: "1", event: event(), polls: [poll()] }));
  }
  send() {}
  close() {}
  say(message: Message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}
const say = (message: Message) => Socket.all.at(-1)!.say(message);
const settle = async () => {
  for (let i = 0; i < 4; i++)
    await new Promise((done) => {
      setTimeout(done, 12);
    });
};

beforeEach(() => {
  localStorage.clear();
  Socket.all = [];
  history.replaceState(null, "", "/present/482913?proof=1");
  vi.stubGlobal("WebSocket", Object.assign(Socket, { CONNECTING: 0 }));
  vi.stubGlobal("fetch", (path: string) =>
    Promise.resolve(
      path.includes("replay")
        ? Response.json({
            from: "2026-01-01T00:00:00Z",
            to: "2026-01-01T00:01:00Z",
            voters: 4,
            frames: [{ at: "2026-01-01T00:00:30Z", votes: [1, 0] }],
          })
        : path.includes("pulse")
          ? Response.json({ watchers: 3, elsewhere: true })
          : path.includes("address")
            ? Response.json({ url: "http://poll.example", phonesCanOpen: true })
            : Response.json(path.includes("events") ? event() : poll()),
    ),
  );
});
afterEach(cleanup);

/**
 * Lets others act: votes in another round of messages, other organisers' changes, a connection that breaks
 * off and comes back.
 */
async function others() {
  for (let version = 2; version < 30; version++) say({ type: "poll.updated", poll: poll({ version, totalVoters: 4 }) });
  await settle();
  say({
    type: "event.changed",
    event: event({ version: 2, title: "Conf of all", polls: [{ ...line, id: "q" }, line] }),
  });
  say({
    type: "event.changed",
    event: event({ version: 3, layout: "columns", polls: [{ ...line, id: "q" }, line, { ...line, id: "r" }] }),
  });
  await settle();
  Socket.all.at(-1)!.onclose?.();
  await vi.waitFor(() => {
    if (Socket.all.length < 2) throw new Error("not back");
  }, 4_000);
  await settle();
  window.dispatchEvent(new StorageEvent("storage", { key: "pollux.zoom" }));
  await settle();
}

const key = (name: string) => fireEvent.keyDown(window, { key: name });

test("the join screen, bars alone, the list of keys, the size, the proof, and a button in focus", async () => {
  render(Stage);
  await settle();
  await key("z");
  await key("q");
  await key("+");
  await key("?");
  const button = screen.getByRole("button", { name: "Results only", hidden: true });
  await fireEvent.click(document.querySelector(".hash")!);
  const hash = document.querySelector(".hash")!.textContent;
  button.focus();
  const state = () => ({
    join: document.querySelector("[aria-label=Join]") !== null,
    bare: document.querySelector("main.bare") !== null,
    help: document.querySelector("dialog")!.open,
    zoom: document.documentElement.style.getPropertyValue("--zoom"),
    hash: document.querySelector(".hash")?.textContent,
    focus: document.activeElement,
  });
  const before = state();
  expect(before).toEqual({ join: true, bare: true, help: true, zoom: "1.1", hash, focus: button });
  await others();
  expect(state()).toEqual(before);
});

test("a replay goes on, and ends with another poll alone", async () => {
  render(Stage);
  await settle();
  await key("p");
  await settle();
  const replay = screen.getByRole("group", { name: "Replay" });
  await others();
  expect(screen.getByRole("group", { name: "Replay" })).toBe(replay);
  say({ type: "event.changed", event: event({ version: 9, current: "q" }) });
  say({ type: "poll.updated", poll: poll({ id: "q" }) });
  await settle();
  expect(screen.queryByRole("group", { name: "Replay" })).toBe(null);
});

test("a button that does nothing now keeps its place: none comes under a hand that is on its way", async () => {
  const names = () =>
    screen
      .getAllByRole("button", { hidden: true })
      .filter((one) => one.closest("[role=toolbar]"))
      .map((one) => one.ariaLabel ?? one.getAttribute("aria-label"));
  render(Stage);
  await settle();
  const before = names();
  say({ type: "poll.updated", poll: poll({ version: 5, status: "open", final: false, revealed: false }) });
  await settle();
  expect(names()).toEqual(before);
});

test("the focus in a ranking goes with its row when the ranks change", async () => {
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(100);
  const entry = (name: string, votes: number) => ({ key: name, rank: 1, title: name, under: "", votes, poll: name });
  const { rerender } = render(Ranks, { title: "In front", entries: [entry("a", 3), entry("b", 2), entry("c", 1)] });
  await settle();
  const link = screen.getByText("a").closest("a")!;
  link.focus();
  await rerender({ entries: [entry("c", 9), entry("b", 8), entry("a", 3)] });
  await settle();
  expect(document.activeElement).toBe(link);
});
