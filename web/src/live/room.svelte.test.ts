// Tests what everybody in the room sees: the newest state, and the poll that is on stage.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { POLL } from "../api/fixture";
import type { Event, Poll } from "../api/generated";
import { FakeServer } from "./fake";
import { Room } from "./room.svelte";

let server: FakeServer, room: Room;

const poll = (id: string, version: number, votes = version): Poll => ({
  ...POLL,
  id,
  question: `${id}?`,
  options: [
    { id: 1, text: "Yes", votes },
    { id: 2, text: "No", votes: 0 },
  ],
  totalVotes: votes,
  totalVoters: votes,
  version,
  eventId: "event",
});
const event = (version: number, current: string | null): Event => ({
  id: "event",
  code: "482913",
  title: "Conf",
  accent: null,
  layout: "bars",
  logo: null,
  current,
  polls: [],
  embed: [],
  lone: false,
  version,
  createdAt: "2026-01-01T00:00:00Z",
});
const pass = (ms = 50) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  vi.stubGlobal("fetch", server.fetch);
  vi.spyOn(Math, "random").mockReturnValue(0.5);
});
afterEach(() => {
  room.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/**
 * Enters a room whose requests have no answer, unless a test has put one there: there is only the greeting.
 */
async function enter() {
  for (const path of ["/api/events/482913", "/api/polls/a"]) {
    if (!server.resources.has(path)) server.resources.set(path, new Error("no answer"));
  }
  server.receive = (way) => server.greet(way, { event: event(1, "a"), polls: [poll("a", 10)] });
  room = new Room("482913", () => [], { socket: server.socket, stream: server.stream });
  await pass();
}

test("a greeting fills it", async () => {
  await enter();
  expect(room.event?.title).toBe("Conf");
  expect(room.poll?.id).toBe("a");
  expect(room.link.state).toBe("live");
  expect(server.last.query).toBe("?event=482913");
});

test("a plain request fills it before any connection does", async () => {
  server.resources.set("/api/events/482913", event(1, "a")).set("/api/polls/a", poll("a", 3));
  await enter();
  server.receive = () => {};
  expect(room.poll?.version).toBe(10);
  room.close();
  room = new Room("482913", () => [], { socket: server.socket, stream: server.stream });
  await pass();
  expect(room.poll?.version).toBe(3);
  expect(room.link.state).toBe("connecting");
});

test("the newest wins, whatever the order", async () => {
  await enter();
  for (const version of [12, 11, 14, 13]) server.last.say({ type: "poll.updated", poll: poll("a", version) });
  await pass();
  expect(room.poll?.version).toBe(14);
  server.last.say({ type: "poll.closed", poll: { ...poll("a", 15), status: "closed", final: true } });
  server.last.say({ type: "poll.updated", poll: poll("a", 14) });
  await pass();
  expect(room.poll?.final).toBe(true);
});

test("another server's versions start afresh", async () => {
  await enter();
  server.epoch = "two";
  server.receive = (way) => server.greet(way, { event: event(1, "a"), polls: [poll("a", 2)] });
  server.last.lose();
  await pass(2_000);
  expect(room.poll?.version).toBe(2);
});

test("the same server back does not take anybody back", async () => {
  await enter();
  server.receive = (way) => server.greet(way, { event: event(1, "a"), polls: [poll("a", 2)] });
  server.last.lose();
  await pass(2_000);
  expect(server.ways).toHaveLength(2);
  expect(room.poll?.version).toBe(10);
});

test("it follows to the next poll, and shows the one before until that has come", async () => {
  await enter();
  server.last.say({ type: "event.changed", event: event(2, "b") });
  await pass();
  expect(room.event?.current).toBe("b");
  expect(room.poll?.id).toBe("a");
  server.last.say({ type: "poll.updated", poll: poll("b", 1) });
  await pass();
  expect(room.poll?.id).toBe("b");
  server.last.say({ type: "event.changed", event: event(1, "a") });
  await pass();
  expect(room.poll?.id).toBe("b");
  server.last.say({ type: "event.changed", event: event(3, null) });
  await pass();
  expect(room.poll).toBe(null);
});

test("however much arrives, the page changes once a frame", async () => {
  await enter();
  let changes = 0;
  const stop = $effect.root(() => {
    $effect(() => {
      void room.poll;
      changes++;
    });
  });
  await pass();
  const before = changes;
  for (let version = 20; version < 220; version++) {
    server.last.say({ type: "poll.updated", poll: poll("a", version) });
    await pass(0);
  }
  await pass(16);
  expect(room.poll?.version).toBe(219);
  expect(changes - before).toBeLessThanOrEqual(2);
  stop();
});

test("what a room is is asked again within seconds, when somebody else has answered for it", async () => {
  server.receive = () => {};
  const portal = new Response("<html>", { headers: { "Content-Type": "text/html" } });
  server.resources.set("/api/events/482913", portal);
  room = new Room("482913", () => [], { socket: server.socket, stream: server.stream });
  await pass(100);
  server.resources.set("/api/events/482913", event(1, "a")).set("/api/polls/a", poll("a", 1));
  await pass(2_100);
  expect(room.poll?.id).toBe("a");
});

test("a code that leads nowhere says so, until it leads somewhere", async () => {
  server.receive = (way) => way.lose();
  room = new Room("999999", () => [], { socket: server.socket, stream: server.stream });
  await pass();
  expect(room.gone?.status).toBe(404);
  // The page does not go on guessing codes: a whole hall behind one address may make only so many guesses.
  await pass(60_000);
  expect(server.asked.length + server.ways.length).toBeLessThanOrEqual(8);
  server.resources.set("/api/events/999999", event(1, "a")).set("/api/polls/a", poll("a", 1));
  await pass(30_000);
  expect(room.gone).toBe(null);
  expect(room.poll?.id).toBe("a");
});

test("with a token it looks again at once; left, it looks no more", async () => {
  server.receive = (way) => way.lose();
  room = new Room("999999", () => [], { socket: server.socket, stream: server.stream });
  await pass();
  server.resources.set("/api/events/999999", event(1, "a")).set("/api/polls/a", poll("a", 1));
  room.again();
  await pass();
  expect([room.gone, room.poll?.id]).toEqual([null, "a"]);
  room.close();
  const before = server.asked.length;
  await pass(120_000);
  expect(server.asked).toHaveLength(before);
});

test("a deleted event is called gone, and is not asked for every two seconds", async () => {
  server.resources.set("/api/events/482913", event(1, "a")).set("/api/polls/a", poll("a", 3));
  await enter();
  server.resources.clear();
  server.refuse();
  server.last.lose();
  await pass(30_000);
  expect(room.gone?.status).toBe(404);
  server.resources.set("/api/events/482913", event(2, "b")).set("/api/polls/b", poll("b", 7));
  await pass(30_000);
  expect(room.gone).toBe(null);
  expect(room.poll?.id).toBe("b");
});

const portal = () => new Response("<html>Please sign in</html>", { headers: { "Content-Type": "text/html" } });
test.each([
  ["a proxy's 404", () => new Response("404 page not found", { status: 404 })],
  ["a 404 of another service", () => Response.json({ detail: "Not Found" }, { status: 404 })],
  ["a portal's page", portal],
  ["JSON of another shape", () => Response.json({})],
  [
    "a filter's 403",
    () => new Response("<html>blocked</html>", { status: 403, headers: { "Content-Type": "text/html" } }),
  ],
])("%s in place of the server's answers: what is shown stays, and then goes on", async (_, answer) => {
  server.resources.set("/api/events/482913", event(1, "a")).set("/api/polls/a", poll("a", 3));
  await enter();
  server.resources.set("/api/events/482913", answer()).set("/api/polls/a", answer());
  server.refuse();
  server.last.lose();
  await pass(60_000);
  expect([room.gone, room.event?.title, room.poll?.id]).toEqual([null, "Conf", "a"]);
  expect(room.link.state).toBe("waiting");
  server.resources.set("/api/events/482913", event(2, "b")).set("/api/polls/b", poll("b", 7));
  await pass(30_000);
  expect(room.poll?.id).toBe("b");
});

test("what is shown is not gone because it is said once", async () => {
  server.resources.set("/api/events/482913", event(1, "a")).set("/api/polls/a", poll("a", 3));
  await enter();
  server.resources.clear();
  server.refuse();
  server.last.lose();
  // The room stays until the server has been asked and has said so.
  await vi.waitFor(() => expect(server.asked.filter((path) => path.includes("events"))).toHaveLength(2), {
    timeout: 60_000,
  });
  await pass();
  expect([room.gone, room.event?.title, room.poll?.id]).toEqual([null, "Conf", "a"]);
  server.resources.set("/api/events/482913", event(2, "b")).set("/api/polls/b", poll("b", 7));
  await pass(30_000);
  expect([room.gone, room.poll?.id]).toEqual([null, "b"]);
});

test("a lone poll's event, which is never pushed, is no news", async () => {
  await enter();
  const way = server.last;
  server.resources.set("/api/events/482913", { ...event(9, "a"), lone: true }).set("/api/polls/a", poll("a", 10));
  await pass(40_000);
  expect(server.last).toBe(way);
});

test("without connection it asks, and shows what it is told", async () => {
  await enter();
  server.refuse();
  server.last.lose();
  server.resources.set("/api/events/482913", event(2, "b")).set("/api/polls/b", poll("b", 7));
  await pass(30_000);
  expect(room.link.state).toBe("polling");
  expect(room.poll?.id).toBe("b");
  server.resources.set("/api/polls/b", poll("b", 8));
  await pass(3_000);
  expect(room.poll?.version).toBe(8);
});

test.each([
  ["a room", true],
  ["a wrong code", false],
])("%s that was left stays so, whatever still comes of it", async (_, right) => {
  if (right) await enter();
  else room = new Room("111111", () => [], { socket: server.socket, stream: server.stream });
  await pass();
  expect(room.gone === null).toBe(right);
  const before = [room.event, room.poll];
  room.close();
  const [asked, opened] = [server.asked.length, server.ways.length];
  room.again();
  room.take(poll("a", 99));
  room.takeEvent(event(99, "b"));
  await pass(120_000);
  expect([server.asked.length, server.ways.length]).toEqual([asked, opened]);
  expect([room.event, room.poll]).toEqual(before);
});
