// The two ways as a browser has them.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Message } from "./messages";
import { openSocket, openStream, type Transport } from "./transport";

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
  constructor(readonly url: string) { super(); Pipe.made.push(this); }
  send(text: string) { this.sent.push(text); }
  close() { this.readyState = 3; }
  open() { this.readyState = 1; this.onopen?.(); }
}

let heard: Message[], lost: number;
const hears = { message: (message: Message) => { heard.push(message); }, lost: () => { lost++; } };
const last = () => Pipe.made.at(-1)!;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Pipe);
  vi.stubGlobal("EventSource", Pipe);
  [heard, lost, Pipe.made] = [[], 0, []];
});
afterEach(() => { vi.unstubAllGlobals(); vi.useRealTimers(); });

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
  last().dispatchEvent(Object.assign(new Event("event.changed"), { data: '{"type":"event.changed"}' }));
  expect(heard).toEqual([{ type: "event.changed" }]);
  last().onerror!();
  expect([lost, last().readyState]).toEqual([1, 3]);
});

test.each([["socket", openSocket], ["stream", openStream]])("a %s that says nothing for ten seconds is lost, once", (_, open) => {
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
