// Tests that the page is loaded anew only if Pollux itself answers: anything else that answers in its place
// would stay there for good.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { POLL, refusal } from "../api/fixture";
import { anew } from "./anew";
import { place } from "./place.svelte";

const CODE = "482913";
const EVENT = { id: "e", title: "Event", current: POLL.id, lone: false, version: 1, polls: [] };
const portal = () => new Response("<title>Hotel Wi-Fi</title>", { headers: { "Content-Type": "text/html" } });
const gateway = () => new Response("Bad gateway", { status: 502 });
const page = () => new Response(null, { headers: { "Content-Type": "text/html" } });

let said: { page: () => Response; api: () => Response }, asked: string[];
const reload = vi.fn();
beforeEach(() => {
  vi.useFakeTimers();
  reload.mockClear();
  asked = [];
  said = { page, api: () => Response.json(EVENT) };
  vi.stubGlobal("location", { pathname: `/p/${CODE}`, reload });
  vi.stubGlobal("fetch", async (path: string, { method }: RequestInit) => {
    if (method === "HEAD") return said.page();
    asked.push(path);
    return said.api();
  });
  vi.spyOn(place, "code", "get").mockReturnValue(CODE);
});
afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("Pollux answers: the page is loaded anew", async () => {
  anew();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(reload).toHaveBeenCalledOnce();
  expect(asked).toEqual([`/api/events/${CODE}`]);
});

test("a code that leads nowhere any more is Pollux's word, too", async () => {
  said.api = () => refusal(404);
  anew();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(reload).toHaveBeenCalledOnce();
});

test("where no code is entered yet the server is asked for its address", async () => {
  vi.spyOn(place, "code", "get").mockReturnValue(null);
  said.api = () => Response.json({ url: "http://pollux.test", phonesCanOpen: true, why: null, fix: null });
  anew();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toEqual(["/api/address"]);
  expect(reload).toHaveBeenCalledOnce();
});

test.each([
  ["a portal answers everything", { page: portal, api: portal }],
  ["a portal answers in JSON", { page: portal, api: () => Response.json({}) }],
  ["the page is a gateway's", { page: gateway, api: () => Response.json(EVENT) }],
  ["Pollux is busy", { page, api: () => refusal(503, "not-ready") }],
])("%s: the page stays, until Pollux answers", async (_, others) => {
  const ours = said;
  said = others;
  anew();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(reload).not.toHaveBeenCalled();
  said = ours;
  await vi.advanceTimersByTimeAsync(21_000);
  expect(reload).toHaveBeenCalledOnce();
});
