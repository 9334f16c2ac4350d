// Tests that a page stays connected: back-off, watchdog, and the ways to which it falls back.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { backOff } from "./backoff";
import { Connection, type State, type Wiring } from "./connection";
import { FakeServer } from "./fake";
import type { Message } from "./messages";

let server: FakeServer, connection: Connection;
let states: State[], heard: Message[], answer: { news: boolean } | null, asked: number;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.999999);
  [server, states, heard, answer, asked] = [new FakeServer(), [], [], { news: false }, 0];
});
afterEach(() => {
  connection?.close();
  vi.useRealTimers();
});

function connect(rest: Partial<Wiring> = {}) {
  connection = new Connection({
    query: "?event=482913",
    ask: async () => {
      asked++;
      return answer;
    },
    message: (message) => heard.push(message),
    state: (state) => {
      if (states.at(-1) !== state) states.push(state);
    },
    socket: server.socket,
    stream: server.stream,
    ...rest,
  });
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test("the pause doubles from 500 ms to 20 s, and is anywhere below that", () => {
  const longest = (failures: number) => backOff(failures, () => 1);
  expect([0, 1, 2, 3, 4, 5, 6, 50].map(longest)).toEqual([500, 1000, 2000, 4000, 8000, 16000, 20000, 20000]);
  expect(backOff(5, () => 0)).toBe(0);
  expect(backOff(5, () => 0.5)).toBe(8000);
});

test("a greeting makes it live", async () => {
  connect();
  await pass(10);
  expect(states.at(-1)).toBe("live");
  expect(heard.map(({ type }) => type)).toEqual(["hello"]);
  expect(server.last.query).toBe("?event=482913");
});

test("it comes back by itself, each time later", async () => {
  connect();
  await pass(10_000);
  const times: number[] = [];
  server.receive = (way) => {
    times.push(Date.now());
    way.lose();
  };
  const lost = Date.now();
  server.last.lose();
  await pass(8_000);
  const pauses = times.map((at, i) => Math.round(at - (times[i - 1] ?? lost)));
  expect(pauses.slice(0, 4)).toEqual(
    [500, 1000, 2000, 4000].map((ms) => expect.toSatisfy((n: number) => Math.abs(n - ms) <= 2, `${ms}`)),
  );
  expect(states.at(-1)).not.toBe("live");
});

test("a connection that breaks off after each greeting is a failure, not a beginning", async () => {
  server.receive = (way) => {
    server.greet(way);
    setTimeout(() => way.lose(), 100);
  };
  connect();
  await pass(30_000);
  // With pauses from 100 ms up to half a second there would have been fifty.
  expect(server.ways.length).toBeLessThan(12);
});

test("after three failed sockets a stream, and the socket again in between", async () => {
  server.receive = (way) => {
    if (way.kind === "stream") server.greet(way);
    else way.lose();
  };
  connect();
  await pass(10_000);
  expect(server.kinds).toEqual(["socket", "socket", "socket", "stream"]);
  expect(states.at(-1)).toBe("live");
  // When that stream ends, it is the socket's turn.
  server.receive = (way) => server.greet(way);
  server.last.lose();
  await pass(1_000);
  expect(server.last.kind).toBe("socket");
});

test("where neither goes through it asks every two seconds, and goes on trying", async () => {
  server.refuse();
  connect();
  await pass(60_000);
  expect(states.at(-1)).toBe("polling");
  expect(server.kinds.filter((kind) => kind === "stream")).toHaveLength(2);
  const before = asked;
  await pass(20_000);
  expect(asked - before).toBeGreaterThanOrEqual(9);
  expect(asked - before).toBeLessThanOrEqual(10);
  answer = null;
  await pass(10_000);
  expect(states.at(-1)).toBe("waiting");
  server.receive = (way) => server.greet(way);
  await pass(20_000);
  expect(states.at(-1)).toBe("live");
});

test("a device's clock that is set an hour back, or on, holds nothing up", async () => {
  server.refuse();
  connect();
  await pass(20_000);
  expect(states.at(-1)).toBe("polling");
  for (const hours of [-1, 2]) {
    vi.setSystemTime(Date.now() + hours * 3_600_000);
    const before = asked;
    await pass(10_000);
    expect(asked - before).toBeGreaterThanOrEqual(4);
    expect(states.at(-1)).toBe("polling");
  }
});

test("after its clock was set a device asks at once what time it is, and once", async () => {
  connect();
  await pass(3_000);
  const before = asked;
  vi.setSystemTime(Date.now() - 3_600_000);
  await pass(2_500);
  expect(asked - before).toBe(1);
  await pass(5_000);
  expect([asked - before, states.at(-1), server.ways.length]).toEqual([1, "live", 1]);
});

test("a server that answers again is not waited for any longer than a few seconds", async () => {
  connect();
  await pass(10);
  server.refuse();
  answer = null;
  server.last.lose();
  // This is long enough for pauses of 20 s.
  await pass(120_000);
  server.receive = (way) => server.greet(way);
  answer = { news: false };
  await pass(6_500);
  expect(states.at(-1)).toBe("live");
});

test("a stream that makes room for other tabs is followed by asking at once, and by no stream", async () => {
  server.receive = (way) => {
    if (way.kind === "stream") server.greet(way);
    else way.lose();
  };
  connect();
  await pass(20_000);
  expect([server.last.kind, states.at(-1)]).toEqual(["stream", "live"]);
  const before = asked;
  states = [];
  server.last.lose(true);
  await pass(2_100);
  expect(asked).toBeGreaterThan(before);
  expect(states.at(-1)).toBe("polling");
  await pass(60_000);
  expect(states).not.toContain("waiting");
  expect(server.kinds.filter((kind) => kind === "stream")).toHaveLength(1);
});

test("a token goes over no stream", async () => {
  server.refuse();
  connect({ tokens: () => ["secret"] });
  await pass(60_000);
  expect(server.kinds).not.toContain("stream");
  expect(server.last.tokens).toEqual(["secret"]);
});

test("silence is doubted: nothing new means that it is quiet", async () => {
  connect();
  await pass(29_000);
  expect(asked).toBe(0);
  await pass(5_000);
  expect(asked).toBe(1);
  await pass(60_000);
  expect(server.ways).toHaveLength(1);
  expect(states.at(-1)).toBe("live");
});

test("silence with news, or with no answer, means that it is dead", async () => {
  connect();
  await pass(1_000);
  answer = { news: true };
  await pass(31_000);
  expect(server.ways).toHaveLength(2);
  answer = null;
  await pass(33_000);
  expect(server.ways.length).toBeGreaterThan(2);
});

test("what a dropped connection still says is not heard", async () => {
  connect();
  await pass(10);
  const old = server.last;
  connection.again();
  await pass(10);
  const before = heard.length;
  old.say({ type: "hello", epoch: "old", polls: [] });
  old.lose();
  await pass(5_000);
  expect(heard).toHaveLength(before);
  expect(server.ways).toHaveLength(2);
});

test("back online, or out of the cache of pages, it does not wait its turn", async () => {
  server.refuse();
  connect();
  await pass(15_000);
  server.receive = (way) => server.greet(way);
  dispatchEvent(new Event("online"));
  await pass(5);
  expect(states.at(-1)).toBe("live");
  const before = server.ways.length;
  dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  await pass(5);
  expect(server.ways).toHaveLength(before + 1);
  expect(states.at(-1)).toBe("live");
});

test("closed, it does nothing any more", async () => {
  connect();
  await pass(10);
  connection.close();
  expect(server.last.open).toBe(false);
  const before = server.ways.length;
  dispatchEvent(new Event("online"));
  await pass(60_000);
  expect([server.ways.length, asked, vi.getTimerCount()]).toEqual([before, 0, 0]);
});
