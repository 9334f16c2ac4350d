// Tests a kind that does not come with the page: what is there stays until the kind has come, and the page is
// loaded anew where it does not.

import { flushSync } from "svelte";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Event, Poll } from "../api/generated";
import { makeRating } from "../kinds/rating/ballot-fixture";
import { makePoll } from "./fixture";
import { enter, FakeRoom } from "./fixture-room.svelte";
import { kinds } from "./kinds.svelte";
import { speech } from "./words.svelte";

/** Decides whether what is being loaded comes; undefined while nothing is being loaded. */
const loading = vi.hoisted(() => ({ come: undefined as ((came: boolean) => void) | undefined }));
vi.mock("../kinds/rating/ballot", async (original) => {
  const came = await new Promise<boolean>((come) => {
    loading.come = come;
  });
  if (!came) throw new TypeError("Failed to fetch dynamically imported module");
  return original();
});
const anew = vi.hoisted(() => vi.fn());
vi.mock("./anew", () => ({ anew }));

let room: FakeRoom, unmount: () => void;
beforeAll(() => speech.use("en"));
beforeEach(() => {
  vi.stubGlobal("scrollTo", () => {});
  room = new FakeRoom();
  unmount = enter(room);
});
afterEach(() => {
  unmount();
  vi.unstubAllGlobals();
});

const CHOICE = makePoll([0, 0]);
const RATING = makeRating([[0, 0, 0, 0, 0]], { id: "0199aaaa-0000-7000-8000-000000000007", question: "How much?" });
const show = (poll: Poll) => room.show(poll);
const heading = () => document.querySelector("h1")?.textContent;

const STAYS =
  "the poll before stays until the kind of the next has come; one that does not come is asked for by a " +
  "page that is loaded anew";
test(STAYS, async () => {
  show(CHOICE);
  show(RATING);
  await vi.waitFor(() => loading.come!(false));
  await vi.waitFor(() => expect(anew).toHaveBeenCalledOnce());
  expect(heading()).toBe("Which?");
  show(CHOICE);
  expect(document.querySelectorAll("label.option")).toHaveLength(2);
});

test("where a rating is the first there are no words before its kind has come", async () => {
  show(RATING);
  expect(document.querySelector("main")!.className).toBe("bones");
  await vi.waitFor(() => {
    loading.come!(true);
    flushSync();
    expect(heading()).toBe("How much?");
  });
  expect(document.querySelectorAll("fieldset.statement")).toHaveLength(1);
});

test("what the event's other polls need is on its way before they are shown", () => {
  const load = vi.spyOn(kinds, "load").mockResolvedValue();
  room.event = {
    version: 1,
    current: CHOICE.id,
    polls: [
      { id: CHOICE.id, kind: "single" },
      { id: RATING.id, kind: "rating" },
    ],
  } as unknown as Event;
  flushSync();
  expect(load.mock.calls.flat()).toContain("rating");
});
