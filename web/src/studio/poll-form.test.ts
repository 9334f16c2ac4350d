// A poll as it is being written: nothing of it gets lost, and the server's words come to their places.

import { beforeEach, expect, test } from "vitest";
import type { Poll } from "../api/generated";
import { local, PollForm } from "./poll-form.svelte";

beforeEach(() => localStorage.clear());

const told = (rest: Partial<Poll> = {}): Poll => ({
  id: "0199a0b0-0000-7000-8000-000000000001", code: "482913", question: "Which?", kind: "single", status: "draft", final: false, round: 1,
  revote: "replace", maxChoices: 1, results: "live", revealed: true, voterIds: true, listed: true, version: 1, totalVoters: 0, totalVotes: 0,
  createdAt: "2026-11-22T00:00:00Z", closesAt: null, closedAt: null, resultHash: null,
  options: ["Rust", "Go"].map((text, i) => ({ id: i + 1, text, votes: 0 })), ...rest,
} as Poll);

const texts = (form: PollForm) => form.rows.map((row) => row.text);

test("what is written is kept on the device, until the server has it", () => {
  const form = new PollForm("new");
  expect(form.changed).toBe(false);
  form.question = "Half a thou";
  form.rows[0]!.text = "Yes";
  form.keep();
  const again = new PollForm("new");
  expect(again.question).toBe("Half a thou");
  expect(texts(again)).toEqual(["Yes", "", ""]);
  expect(again.restored).toBe(true);
  again.saved(told());
  expect(new PollForm("new").restored).toBe(false);
});

test("a draft of the server's counts as changed only where it differs", () => {
  const form = new PollForm("x", told());
  expect(form.changed).toBe(false);
  form.move(0, 1);
  expect(form.changed).toBe(true);
  form.discard();
  expect(texts(form)).toEqual(["Rust", "Go"]);
  expect(form.changed).toBe(false);
});

test("pasted lines become an option each; a single line is an ordinary paste", () => {
  const form = new PollForm("new");
  expect(form.paste(0, "just one")).toBe(0);
  expect(form.paste(0, "Ant\r\n\r\n  Bee \nCat\u2028Dog\n")).toBe(4);
  expect(texts(form)).toEqual(["Ant", "Bee", "Cat", "Dog"]);
  expect(form.paste(1, "x\ny")).toBe(2);
  expect(texts(form)).toEqual(["Ant", "Bee", "x", "y", "Cat", "Dog"]);
});

test("no more options than the server takes are pasted", () => {
  const form = new PollForm("new");
  expect(form.paste(0, Array.from({ length: 150 }, (_, i) => `${i}`).join("\n"))).toBe(100);
  expect(form.rows.length).toBe(100);
});

test("empty rows are not sent, and the server's pointers are counted without them", () => {
  const form = new PollForm("new");
  form.question = "Which?";
  form.rows[0]!.text = "Rust";
  form.rows[2]!.text = "Rust";
  expect(form.body(false)).toMatchObject({ question: "Which?", options: ["Rust", "Rust"], open: false, maxChoices: 1 });
  expect(form.body()).not.toHaveProperty("embed");
  const rest = form.blame([
    { pointer: "/options/1", detail: "is the same as option 1" }, { pointer: "/embed/0", detail: "is no origin" },
    { pointer: "/surprise", detail: "is new" },
  ]);
  expect([...form.faults]).toEqual([["/options/2", "is the same as option 1"], ["/embed", "is no origin"]]);
  expect(rest).toEqual(["/surprise: is new"]);
  form.move(0, 1);
  expect([...form.faults.keys()]).toEqual(["/embed"]);
});

test("the same form sent again carries the same key, another form another", () => {
  const form = new PollForm("new");
  const one = form.creation(form.body(true));
  expect(form.creation(form.body(true))).toBe(one);
  expect(form.creation(form.body(false))).not.toBe(one);
});

test("a time is written as its field wants it, and read back", () => {
  const at = new Date("2026-11-22T09:41:00Z");
  expect(new Date(local(at)).getTime()).toBe(at.getTime());
  const form = new PollForm("x", told({ closesAt: "2026-11-22T09:41:27Z" }));
  expect(form.body().closesAt).toBe("2026-11-22T09:41:27Z");
  form.closesAt = local(new Date("2026-11-22T09:42:00Z"));
  expect(form.body().closesAt).toBe("2026-11-22T09:42:00.000Z");
});

test("several choices, all of them or a number", () => {
  const all = new PollForm("x", told({ kind: "multiple", maxChoices: 2 }));
  expect(all.maxChoices).toBe(null);
  expect(all.body()).toMatchObject({ kind: "multiple", maxChoices: null });
  const one = new PollForm("y", told({ kind: "multiple", maxChoices: 1 }));
  expect(one.body()).toMatchObject({ maxChoices: 1 });
});
