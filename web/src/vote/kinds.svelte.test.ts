// Tests that a kind is loaded once there is a poll of it: what is there stays until the kind has come, and the
// page is loaded anew where it does not.

import { flushSync } from "svelte";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Event, Poll } from "../api/generated";
import { textsOf } from "../kinds/kind";
import { makeNumber } from "../kinds/number/fixture";
import { makePoints } from "../kinds/points/fixture";
import { makeRanking } from "../kinds/ranking/fixture";
import { makeRating } from "../kinds/rating/ballot-fixture";
import { makePoll } from "./fixture";
import { enter, FakeRoom } from "./fixture-room.svelte";
import { kinds } from "./kinds.svelte";
import { speech } from "./words.svelte";

/** Decides whether what is being loaded comes; undefined while nothing is being loaded. */
const loading = vi.hoisted(() => ({ come: undefined as ((came: boolean) => void) | undefined }));
const arriving = vi.hoisted(() => async (original: () => Promise<object>) => {
  const came = await new Promise<boolean>((come) => {
    loading.come = come;
  });
  if (!came) throw new TypeError("Failed to fetch dynamically imported module");
  return original();
});
vi.mock("../kinds/choice/ballot", arriving);
vi.mock("../kinds/rating/ballot", arriving);
vi.mock("../kinds/ranking/ballot", arriving);
vi.mock("../kinds/points/ballot", arriving);
vi.mock("../kinds/number/ballot", arriving);
const anew = vi.hoisted(() => vi.fn());
vi.mock("./anew", () => ({ anew }));

/** The sheet that the page has linked, which has two rules. */
const sheet = { cssRules: { length: 2 }, insertRule: vi.fn() };

/** Waits for what comes with a kind: its modules are compiled first, which a busy machine takes its time for. */
const until = <T>(is: () => T) => vi.waitFor(is, { timeout: 10_000 });
vi.setConfig({ testTimeout: 30_000 });

let room: FakeRoom, unmount: () => void;
beforeAll(() => speech.use("en"));
beforeEach(() => {
  vi.spyOn(document, "styleSheets", "get").mockReturnValue([sheet] as unknown as StyleSheetList);
  sheet.insertRule.mockClear();
  anew.mockClear();
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
const RANKING = makeRanking([[0], [0]], { id: "0199aaaa-0000-7000-8000-000000000008", question: "In which order?" });
const show = (poll: Poll) => room.show(poll);
const heading = () => document.querySelector("h1")?.textContent;

/** Lets the kind that is being loaded come, or not. */
async function arrive(came: boolean) {
  await until(() => loading.come!(came));
  loading.come = undefined;
}

/** Opens a room whose first poll is this one; its kind does not come at first, and comes once it is asked for again. */
async function begin(poll: Poll, question: string) {
  show(poll);
  expect(document.querySelector("main")!.className).toBe("bones");
  await arrive(false);
  await until(() => expect(anew).toHaveBeenCalledOnce());
  expect(document.querySelector("main")!.className).toBe("bones");
  unmount();
  unmount = enter((room = new FakeRoom()));
  show(poll);
  await arrive(true);
  await until(() => {
    flushSync();
    expect(heading()).toBe(question);
  });
}

/**
 * Where a poll of this kind is the first, nothing is shown before its kind has come; then it has so many rows, or
 * its one paper where it has none.
 */
async function first(poll: Poll, row: string) {
  await begin(poll, poll.question);
  expect(document.querySelectorAll(row)).toHaveLength(textsOf(poll).length || 1);
}

test("where a choice is the first there are no words before its kind has come", async () => {
  await first(CHOICE, "label.option");
  await kinds.load("multiple");
  expect([kinds.of("multiple"), sheet.insertRule.mock.calls]).toEqual([kinds.of("single"), [[expect.any(String), 2]]]);
});

const STAYS =
  "the poll before stays until the kind of the next has come; one that does not come is asked for by a " +
  "page that is loaded anew";
test(STAYS, async () => {
  show(CHOICE);
  show(RATING);
  await arrive(false);
  await until(() => expect(anew).toHaveBeenCalledOnce());
  expect(heading()).toBe("Which?");
  show(CHOICE);
  expect(document.querySelectorAll("label.option")).toHaveLength(2);
});

test.each([
  ["a rating", RATING, "fieldset.statement"],
  ["a ranking", RANKING, "fieldset.ranking li"],
  ["a poll for points", makePoints(null), ".gift"],
  ["a poll for a number", makeNumber(null, { id: "0199aaaa-0000-7000-8000-000000000009" }), ".guess"],
] as const)("where %s is the first there are no words before its kind has come", (_, poll, row) => first(poll, row));

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
