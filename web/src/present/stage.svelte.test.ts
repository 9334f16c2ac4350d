// Tests a step that is asked for before the stage was shown the drafts that its token lets it see.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keepToken } from "../api/identity";
import { Stage } from "./stage.svelte";

type Reply = () => Response | Promise<Response>;
const EVENT = {
  id: "e",
  code: "482913",
  title: "Conf",
  current: null as string | null,
  lone: false,
  version: 1,
  polls: [] as { id: string }[],
};
const said =
  (more: object): Reply =>
  () =>
    Response.json({ ...EVENT, ...more });
const lost: Reply = () => Promise.reject(new TypeError("Failed to fetch"));

let stage: Stage, leave: () => void, shown: string[];
/** How the event is told, in turn, the last one for all that follow. */
let told: Reply[];

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  keepToken("stage.e", "the stage's");
  [shown, told] = [[], [said({})]];
  // No connection comes about: the page knows only what it has asked for.
  vi.stubGlobal(
    "WebSocket",
    class {
      static CONNECTING = 0;
      readyState = 0;
      close() {}
      send() {}
    },
  );
  vi.stubGlobal("fetch", async (path: string, { method, body }: RequestInit) => {
    if (path === "/api/events/e") return (told.length > 1 ? told.shift()! : told[0]!)();
    if (path !== "/api/events/e/show" || method !== "POST") throw new TypeError("Failed to fetch");
    shown.push(JSON.parse(body as string).poll);
    return Response.json({ ...EVENT, version: 2, current: shown.at(-1), polls: [{ id: "draft" }] });
  });
});
afterEach(() => {
  leave();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Opens a stage that knows the event, and none of its drafts. */
async function open() {
  leave = $effect.root(() => {
    stage = new Stage("e");
  });
  await vi.advanceTimersByTimeAsync(100);
  expect(stage.event?.polls).toEqual([]);
}
/** Returns what comes of a press within three seconds. */
async function press(by: 1 | -1) {
  const done = stage.step(by);
  await vi.advanceTimersByTimeAsync(3_000);
  await done;
}

test("the draft is asked for, and shown", async () => {
  await open();
  told = [said({ polls: [{ id: "draft" }] })];
  await press(1);
  expect([shown, stage.notice]).toEqual([["draft"], ""]);
});

test("it is asked for again when somebody else answers", async () => {
  await open();
  told = [
    () => new Response("<html>", { headers: { "Content-Type": "text/html" } }),
    lost,
    said({ polls: [{ id: "draft" }] }),
  ];
  await press(1);
  expect([shown, stage.notice]).toEqual([["draft"], ""]);
});

test("where there is none it is said", async () => {
  await open();
  await press(1);
  expect([shown, stage.notice]).toEqual([[], "That is the last poll of this event."]);
});

test("a step that somebody made meanwhile is not made again, and shown", async () => {
  await open();
  told = [said({ version: 2, current: "a", polls: [{ id: "a" }, { id: "draft" }] })];
  await press(1);
  expect([shown, stage.notice, stage.event?.current]).toEqual([[], "", "a"]);
});
