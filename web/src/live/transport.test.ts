// Tests the two ways of pushing as a browser has them.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parse, type Message } from "./messages";
import * as transport from "./transport";
import type { Opens, Transport } from "./transport";

/** A browser's WebSocket or EventSource, of which the test is the other end. */
class Pipe extends EventTarget {
  static readonly CONNECTING = 0;
  static made: Pipe[] = [];
  readyState = 0;
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  constructor(readonly url: string) {
    super();
    Pipe.made.push(this);
  }
  send(text: string) {
    this.sent.push(text);
  }
  close() {
    this.readyState = 3;
  }
  open() {
    this.readyState = 1;
    this.onopen?.();
  }
}

const EVENT = { id: "e", title: "Conf", current: null, lone: false, version: 1, polls: [] };
const CHANGED = { type: "event.changed", event: EVENT };
const POLL = {
  id: "p",
  question: "Which?",
  kind: "single",
  status: "open",
  round: 1,
  version: 1,
  options: [{ id: 1, text: "One" }],
};

/** All ways that were opened. They are closed at the end, so that none hears of the next test's. */
let opened: Transport[] = [];
const kept =
  (open: Opens): Opens =>
  (...how) => {
    const way = open(...how);
    opened.push(way);
    return way;
  };
const openSocket = kept(transport.openSocket),
  openStream = kept(transport.openStream);

let heard: Message[], lost: number;
const hears = {
  message: (message: Message) => {
    heard.push(message);
  },
  lost: () => {
    lost++;
  },
};
const last = () => Pipe.made.at(-1)!;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Pipe);
  vi.stubGlobal("EventSource", Pipe);
  [heard, lost, Pipe.made] = [[], 0, []];
});
afterEach(() => {
  opened.forEach((way) => way.close());
  opened = [];
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("a socket shows its tokens, and tells what is a message", () => {
  openSocket("?event=1", ["secret"], hears);
  expect(last().url).toMatch(/^ws:\/\/.*\/ws\?event=1$/);
  last().open();
  expect(last().sent.map((text) => JSON.parse(text))).toEqual([{ type: "auth", token: "secret" }]);
  for (const data of ["", "{", "null", "[]", '"hello"', '{"type":1}', '{"type":"hello","epoch":"e","polls":[]}']) {
    last().onmessage!({ data });
  }
  expect(heard).toEqual([{ type: "hello", epoch: "e", polls: [] }]);
  expect(last().url).not.toContain("secret");
});

test("a stream tells the same", () => {
  openStream("?event=1", ["secret"], hears);
  expect(last().url).toBe("/api/events?event=1");
  last().dispatchEvent(Object.assign(new Event("event.changed"), { data: JSON.stringify(CHANGED) }));
  expect(heard).toEqual([CHANGED]);
  last().onerror!();
  expect([lost, last().readyState]).toEqual([1, 3]);
});

test.each([
  ["socket", openSocket],
  ["stream", openStream],
])("a %s that says nothing for ten seconds is lost, once", (_, open) => {
  open("", [], hears);
  vi.advanceTimersByTime(9_900);
  expect(lost).toBe(0);
  vi.advanceTimersByTime(200);
  expect(lost).toBe(1);
  vi.advanceTimersByTime(60_000);
  expect(lost).toBe(1);
});

test("closed, a socket is silent; one that is only opening is closed once it is open", () => {
  const close = (way: Transport) => way.close();
  close(openSocket("", [], hears));
  expect(last().readyState).toBe(0);
  last().open();
  expect(last().readyState).toBe(3);
  const way = openSocket("", [], hears);
  last().open();
  close(way);
  expect([last().readyState, last().onmessage, lost, vi.getTimerCount()]).toEqual([3, null, 0, 0]);
});

const HELLO = { type: "hello", epoch: "e", polls: [] };
test.each<[string, unknown, boolean]>([
  ["a greeting", HELLO, true],
  ["with its poll and event", { ...HELLO, polls: [POLL], event: EVENT }, true],
  ["a poll", { type: "poll.updated", poll: POLL }, true],
  ["an event", CHANGED, true],
  ["a greeting of another service", { type: "hello", version: "1.0" }, false],
  ["a greeting without polls", { type: "hello", epoch: "e" }, false],
  ["a greeting with something for a poll", { ...HELLO, polls: [{}] }, false],
  ["a greeting with something for an event", { ...HELLO, event: { id: 7 } }, false],
  ["a poll that is none", { type: "poll.updated", poll: { id: "p" } }, false],
  ["a poll without options", { type: "poll.closed", poll: { ...POLL, options: null } }, false],
  ["a poll in a status that there is not", { type: "poll.closed", poll: { ...POLL, status: "late" } }, false],
  ["no poll", { type: "poll.created" }, false],
  ["an event without polls", { type: "event.changed", event: { ...EVENT, polls: undefined } }, false],
  ["ranks that are none", { type: "leaderboard.changed", leaderboard: {} }, false],
  ["a kind there is not", { type: "welcome" }, false],
  ["a name that every object has", { type: "constructor" }, false],
])("%s: %j", (_, message, ours) => {
  expect(parse(JSON.stringify(message))).toEqual(ours ? message : null);
  openSocket("", [], hears);
  last().open();
  last().onmessage!({ data: JSON.stringify(message) });
  openStream("", [], hears);
  const { type } = message as Message;
  last().dispatchEvent(Object.assign(new Event(type), { data: JSON.stringify(message) }));
  expect(heard).toEqual(ours ? [message, message] : []);
});

test.each([
  ["socket", openSocket],
  ["stream", openStream],
])("a %s that is greeted by another is lost after ten seconds", (_, open) => {
  open("", [], hears);
  for (const data of ['{"type":"hello","server":"portal"}', "<html>", '{"type":"welcome"}']) {
    last().onmessage?.({ data });
    last().dispatchEvent(Object.assign(new Event("hello"), { data }));
  }
  vi.advanceTimersByTime(10_100);
  expect(lost).toBe(1);
});

/** Lets another tab of this browser open a stream. */
const another = (tab: string) =>
  dispatchEvent(
    Object.assign(new Event("storage"), { key: "pollux.stream", newValue: JSON.stringify(`${tab} ${Math.random()}`) }),
  );

test("of all tabs of a browser the three newest streams stay, the rest makes room for votes", () => {
  let crowded: boolean | undefined;
  openStream("?event=1", [], {
    ...hears,
    lost: (how) => {
      lost++;
      crowded = how;
    },
  });
  expect(localStorage.getItem("pollux.stream")).toContain("?event=1");
  for (const tab of ["a", "b", "a", "a"]) another(tab);
  expect([lost, last().readyState]).toEqual([0, 0]);
  another("c");
  expect([lost, crowded, last().readyState]).toEqual([1, true, 3]);
  another("d");
  expect(lost).toBe(1);
});

test("where tabs cannot hear of one another there are no streams", () => {
  vi.stubGlobal(
    "localStorage",
    new Proxy(
      {},
      {
        get() {
          throw new DOMException("denied", "SecurityError");
        },
      },
    ),
  );
  openStream("?event=1", [], hears);
  vi.advanceTimersByTime(1);
  expect([lost, last().readyState]).toEqual([1, 3]);
});

test("a tab that is reloaded is the same tab, and a copy of it is another", async () => {
  const opened = async () => {
    vi.resetModules();
    const { claim } = await import("./streams");
    claim("?event=1", () => {})();
    return localStorage.getItem("pollux.stream")!.split("?")[0];
  };
  const first = await opened();
  dispatchEvent(new Event("pagehide"));
  expect(await opened()).toBe(first);
  expect(await opened()).not.toBe(first);
});
