// Tests the part of a poll's form that belongs to a ranking.

import { beforeEach, expect, test } from "vitest";
import { PollForm } from "../../studio/poll-form.svelte";
import { formOf } from "../in-studio-form";
import type { RankingPoll } from "../kind";
import { makeRanking } from "./fixture";

const DRAFT: RankingPoll = { ...makeRanking([[0], [0], [0]]), places: 3, status: "draft" };
beforeEach(() => localStorage.clear());

test("what is written for a choice becomes a ranking of its options, and the server's words find their field", () => {
  const form = new PollForm("new");
  form.paste(0, "Tea\nCoffee\nJuice");
  form.kind = "ranking";
  expect(form.body()).toMatchObject({ kind: "ranking", options: ["Tea", "Coffee", "Juice"], places: null });
  expect(form.body()).not.toHaveProperty("maxChoices");
  form.own.places = 2;
  expect(form.body()).toMatchObject({ places: 2 });
  expect([form.fewest, form.most]).toEqual([2, 20]);
  const elsewhere = form.blame([
    { pointer: "/places", detail: "is too many" },
    { pointer: "/options/1", detail: "is too long" },
    { pointer: "/steps", detail: "no" },
  ]);
  expect([[...form.faults.entries()], elsewhere]).toEqual([
    [
      ["/places", "is too many"],
      ["/rows/1", "is too long"],
    ],
    ["/steps: no"],
  ]);
});

test("all places stay all when options come or go, and fewer stay as many", () => {
  const all = new PollForm("a", DRAFT);
  expect([all.own.places, all.changed]).toEqual([null, false]);
  all.add("Water");
  expect(all.patch()).toEqual({ kind: "ranking", options: ["Tea", "Coffee", "Juice", "Water"], places: null });
  const some = new PollForm("b", { ...DRAFT, places: 2 });
  some.add("Water");
  expect(some.patch()).toMatchObject({ places: 2 });
});

test("the number of places alone is a change, and is there again after a reload", () => {
  const form = new PollForm("x", DRAFT);
  form.own.places = 1;
  expect(form.patch()).toMatchObject({ places: 1 });
  form.keep();
  expect([new PollForm("x", DRAFT).own.places, new PollForm("x", DRAFT).restored]).toEqual([1, true]);
  form.saved({ ...DRAFT, places: 1 });
  expect([form.changed, form.own.places]).toEqual([false, 1]);
});

test("what somebody else has written is told in words", () => {
  const { said, saidKind } = formOf("ranking");
  expect([2, 1, null].map((places) => said.places!({ places }))).toEqual(["2 places", "1 place", "all places"]);
  expect([1, null].map((places) => saidKind("ranking", { places }))).toEqual(["an order, 1 place", "an order"]);
});

test("somebody else's places are told where they are changed here", () => {
  const form = new PollForm("x", DRAFT);
  form.own.places = 1;
  expect(form.adopt({ ...DRAFT, version: 2, places: 2 })).toBe(true);
  expect(form.clashes).toMatchObject({ places: 2 });
  form.yield("kind");
  expect([form.own.places, form.changed]).toEqual([2, false]);
});
