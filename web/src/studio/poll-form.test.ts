// Tests that nothing of a poll that is being written gets lost, and that the server's words come to their
// places.

import { beforeEach, expect, test } from "vitest";
import { POLL } from "../api/fixture";
import type { Poll } from "../api/generated";
import { local, PollForm } from "./poll-form.svelte";

beforeEach(() => localStorage.clear());

const told = (rest: Partial<Poll> = {}): Poll =>
  ({
    ...POLL,
    id: "0199a0b0-0000-7000-8000-000000000001",
    status: "draft",
    totalVoters: 0,
    totalVotes: 0,
    createdAt: "2026-11-22T00:00:00Z",
    options: ["Rust", "Go"].map((text, i) => ({ id: i + 1, text, votes: 0 })),
    ...rest,
  }) as Poll;

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

test("rows that an earlier release has kept on the device are there again", () => {
  const kept = { mine: { options: ["Yes", "Nev", ""] }, base: { options: ["", "", ""] }, last: {} };
  localStorage.setItem("pollux.form.new", JSON.stringify(kept));
  expect(texts(new PollForm("new"))).toEqual(["Yes", "Nev", ""]);
});

test("each way of answering sends what is its own, and the others' fields stay in the form", () => {
  const form = new PollForm("x", told());
  form.kind = "rating";
  form.own.scale = "0-10";
  form.own.highLabel = "very";
  const own = { kind: "rating", statements: ["Rust", "Go"], lowest: 0, steps: 11, lowLabel: "", highLabel: "very" };
  expect(form.patch()).toEqual({ ...own, symbol: "numbers" });
  expect(
    form.blame([
      { pointer: "/statements/1", detail: "is too long" },
      { pointer: "/maxChoices", detail: "no" },
    ]),
  ).toEqual(["/maxChoices: no"]);
  expect([...form.faults.keys(), form.fewest, form.most]).toEqual(["/rows/1", 1, 30]);
  form.kind = "multiple";
  expect(form.patch()).toEqual({ kind: "multiple", options: ["Rust", "Go"], maxChoices: null });
  expect([form.own.scale, form.fewest, form.most]).toEqual(["0-10", 2, 100]);
});

test("a poll for points asks how many each person has; an empty field stands for a hundred", () => {
  const form = new PollForm("x", told());
  form.kind = "points";
  expect(form.patch()).toEqual({ kind: "points", options: ["Rust", "Go"], budget: 100 });
  form.own.budget = null;
  expect(form.body()).toMatchObject({ kind: "points", budget: 100 });
  expect([form.fewest, form.most]).toEqual([2, 20]);
  expect(form.blame([{ pointer: "/budget", detail: "must be from 1 to 1000" }])).toEqual([]);
  expect(form.faults.get("/budget")).toBe("must be from 1 to 1000");
  const draft = new PollForm("y", told({ kind: "points", budget: 7 } as Partial<Poll>));
  draft.own.budget = 9;
  expect(draft.patch()).toEqual({ budget: 9 });
  expect(draft.adopt(told({ kind: "points", budget: 8 } as Partial<Poll>))).toBe(true);
  expect(draft.clashes).toEqual({ budget: 8 });
  draft.yield("budget");
  expect([draft.own.budget, draft.changed]).toEqual([8, false]);
});

test("what was written for another kind changes nothing once the kind is the poll's again, and stays", () => {
  const order = (rest: object) => told({ kind: "ranking", places: 2, ...rest } as Partial<Poll>);
  const form = new PollForm("x", order({}));
  for (const [kind, field, value] of [
    ["points", "budget", 20],
    ["rating", "lowLabel", "bad"],
    ["multiple", "maxChoices", 1],
  ] as const) {
    form.kind = kind;
    Object.assign(form.own, { [field]: value });
    expect(form.changed).toBe(true);
    form.kind = "ranking";
    expect([form.changed, form.patch(), form.own[field]]).toEqual([false, {}, value]);
  }
  expect(form.adopt(order({ question: "Better?", places: 1 }))).toBe(false);
  expect([form.question, form.own.places, form.own.budget, form.changed]).toEqual(["Better?", 1, 20, false]);
  // Somebody else's kind has its fields again: what was written for it is a change of it.
  expect(form.adopt(told({ kind: "points", budget: 50 } as Partial<Poll>))).toBe(true);
  expect([form.kind, form.clashes, form.patch()]).toEqual(["points", { budget: 50 }, { budget: 20 }]);
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

test("what is pasted from a spreadsheet or a text program is taken apart", () => {
  const pasted = (text: string) => {
    const form = new PollForm("new");
    form.paste(0, text);
    return texts(form).filter(Boolean);
  };
  const colours = ["Red", "Green", "Blue"];
  expect(pasted("Red\tGreen\tBlue")).toEqual(colours);
  expect(pasted("Red\tGreen\r\nBlue\t\r\n")).toEqual(colours);
  expect(pasted("•\tRed\n•\tGreen\n\t◦\tBlue")).toEqual(colours);
  expect(pasted("\uF0B7\tRed\no\tGreen\n- Blue")).toEqual(colours);
  expect(pasted("1.\tRed\n2.\tGreen\n3.\tBlue")).toEqual(colours);
  expect(pasted("1) Red\n2) Green\n3) Blue")).toEqual(colours);
  expect(pasted("(a) Red\n(b) Green\n(c) Blue")).toEqual(colours);
  expect(pasted("1\tRed\n2\tGreen\n3\tBlue")).toEqual(colours);
  expect(pasted("•\tRed")).toEqual(["Red"]);
  expect(pasted("1.\tRed")).toEqual(["Red"]);
});

test("what only looks like a bullet or a number stays", () => {
  const form = new PollForm("new");
  form.paste(0, "1. FC Köln\n3. Liga\n-5 °C\n✓ Yes\nA. Lovelace\n2026\tplan");
  expect(texts(form)).toEqual(["1. FC Köln", "3. Liga", "-5 °C", "✓ Yes", "A. Lovelace", "2026", "plan"]);
  expect(form.paste(0, "•\tRed"), "a row that has a text takes an ordinary paste").toBe(0);
});

test("rows that look the same are told apart from others at once, and empty ones are not sent", () => {
  const form = new PollForm("new");
  form.paste(0, "Cr\u00E8me\nTea\nCre\u0300me\nNew York\nNew\u00A0York\nA\nA\u200B\n\u200B\ntea");
  form.rows[1]!.text = "\u200B";
  expect([...form.alike]).toEqual([
    [2, 0],
    [4, 3],
    [6, 5],
  ]);
  expect(form.filled).toBe(7);
  expect(form.body()).toMatchObject({ options: { length: 7 } });
});

test("what only looks like the numbers and bullets of a list stays", () => {
  const pasted = (text: string) => {
    const form = new PollForm("new");
    return form.paste(0, text) ? form.rows.map((row) => row.text).filter(Boolean) : [text];
  };
  for (const text of [
    "24. Dezember\n25. Dezember\n26. Dezember",
    "1. Klasse\n2. Klasse\n3. Klasse",
    "9. September\n10. September",
    "A. Meier\nB. Müller",
    "- 10 %\n+ 10 %",
    "- 5",
    "- 5\n- 6",
  ]) {
    expect(pasted(text), text).toEqual(text.split("\n"));
  }
  expect(pasted("3.\tPlatz")).toEqual(["3.", "Platz"]);
  expect(pasted("1. Montag\n2. Dienstag")).toEqual(["Montag", "Dienstag"]);
});

test("no more options than the server takes are pasted", () => {
  const form = new PollForm("new");
  expect(form.paste(0, Array.from({ length: 150 }, (_, i) => `${i}`).join("\n"))).toBe(100);
  const begun = new PollForm("new");
  begun.rows[0]!.text = "First";
  expect(begun.paste(0, Array.from({ length: 150 }, (_, i) => `${i}`).join("\n"))).toBe(99);
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
    { pointer: "/options/1", detail: "is the same as option 1" },
    { pointer: "/embed/0", detail: "is no origin" },
    { pointer: "/surprise", detail: "is new" },
  ]);
  expect([...form.faults]).toEqual([
    ["/rows/2", "is the same as option 1"],
    ["/embed", "is no origin"],
  ]);
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
  expect(all.own.maxChoices).toBe(null);
  expect(all.body()).toMatchObject({ kind: "multiple", maxChoices: null });
  const one = new PollForm("y", told({ kind: "multiple", maxChoices: 1 }));
  expect(one.body()).toMatchObject({ maxChoices: 1 });
});

test("a time by the clock and a time from the opening on exclude each other", () => {
  const form = new PollForm("x", told({ closesAfter: 120 }));
  expect([form.closesAt, form.body().closesAt, form.body().closesAfter]).toEqual(["", null, 120]);
  form.closesAfter = null;
  form.closesAt = local(new Date("2026-11-22T09:42:00Z"));
  expect([form.body().closesAt, form.body().closesAfter]).toEqual(["2026-11-22T09:42:00.000Z", null]);
  // A closing time that an opening has set is not the form's.
  expect(new PollForm("y", told({ closesAfter: 30, closesAt: "2026-11-22T09:42:00Z" })).closesAt).toBe("");
  expect(form.blame([{ pointer: "/closesAfter", detail: "must be at least 1" }])).toEqual([]);
});

test("turnout shows unless it is taken away", () => {
  const form = new PollForm("new");
  expect(form.body().turnout).toBe("shown");
  const draft = new PollForm("x", told({ results: "hidden" }));
  draft.turnout = "hidden";
  expect(draft.patch()).toEqual({ turnout: "hidden" });
  expect(draft.blame([{ pointer: "/turnout", detail: "must be one of shown, hidden" }])).toEqual([]);
  expect(draft.faults.has("/turnout")).toBe(true);
});

const optionsOf = (...names: string[]) => names.map((text, i) => ({ id: i + 1, text, votes: 0 }));

test("what was kept undoes nothing that somebody else has saved meanwhile: only what was touched is sent", () => {
  const form = new PollForm("x", told());
  form.question = "Mine?";
  form.keep();
  const theirs = { options: optionsOf("Rust", "Go", "Zig"), closesAfter: 60, results: "hidden" } as Partial<Poll>;
  const again = new PollForm("x", told(theirs));
  expect([again.question, texts(again)]).toEqual(["Mine?", ["Rust", "Go", "Zig"]]);
  expect([again.closesAfter, again.results]).toEqual([60, "hidden"]);
  expect([again.restored, again.clashes, again.patch()]).toEqual([true, {}, { question: "Mine?" }]);
});

test("what both have changed is said until it is settled, over a reload too, and is never settled unseen", () => {
  const form = new PollForm("x", told());
  form.question = "Mine?";
  form.keep();
  const again = new PollForm("x", told({ question: "Theirs?" }));
  expect([again.question, again.clashes]).toEqual(["Mine?", { question: "Theirs?" }]);
  again.keep();
  const third = new PollForm("x", told({ question: "Theirs?" }));
  expect([third.question, third.clashes]).toEqual(["Mine?", { question: "Theirs?" }]);
  // News is what was not shown before.
  expect(third.adopt(told({ question: "Theirs?", results: "hidden" }))).toBe(false);
  expect(third.adopt(told({ question: "Theirs again?", results: "hidden" }))).toBe(true);
  third.yield("question");
  expect([third.question, third.clashes, third.changed, third.results]).toEqual(["Theirs again?", {}, false, "hidden"]);
});

test("options of two come together row by row; where they cannot, mine stay and theirs are said", () => {
  const form = new PollForm("x", told());
  form.rows[0]!.text = "Rust, mine";
  const { key } = form.rows[0]!;
  expect(form.adopt(told({ options: optionsOf("Rust", "Go", "Zig") }))).toBe(false);
  expect([texts(form), form.rows[0]!.key, form.clashes]).toEqual([["Rust, mine", "Go", "Zig"], key, {}]);
  expect(form.patch()).toEqual({ options: ["Rust, mine", "Go", "Zig"], kind: "single", maxChoices: 1 });
  expect(form.adopt(told({ options: optionsOf("Rust, theirs", "Go", "Zig") }))).toBe(true);
  expect(texts(form)).toEqual(["Rust, mine", "Go", "Zig"]);
  expect(form.clashes).toEqual({ rows: ["Rust, theirs", "Go", "Zig"] });
});

test("of two ways to close, mine and somebody else's, both are never sent", () => {
  const form = new PollForm("x", told());
  form.closesAfter = 60;
  expect(form.adopt(told({ closesAt: "2026-11-22T09:41:00Z" }))).toBe(true);
  expect([form.closesAt, form.patch()]).toEqual(["", { closesAt: null, closesAfter: 60 }]);
  form.yield("closesAfter");
  expect([form.closesAfter, form.changed]).toEqual([null, false]);
});

test("what is kept on the device changes what a form asks, no other member and no prototype", () => {
  const proto =
    `"__proto__": { "polluted": "yes", "listed": false }, ` + `"constructor": { "prototype": { "polluted": "yes" } }`;
  const mine = `{ "question": "Mine?", "body": "none", "most": 0, "polluted": "yes", ${proto} }`;
  localStorage.setItem(
    "pollux.form.new",
    `{ "mine": ${mine}, "base": { "question": "", ${proto} }, "last": ${mine}, ${proto} }`,
  );
  const form = new PollForm("new");
  expect(form.question).toBe("Mine?");
  form.keep();
  for (const one of [form, new PollForm("new"), form.written, form.patch(), {}, []]) {
    expect("polluted" in one).toBe(false);
  }
  expect(Object.getPrototypeOf(form)).toBe(PollForm.prototype);
  expect(form.most).toBe(100);
  expect(form.body()).toMatchObject({ question: "Mine?", listed: true });
  expect(localStorage.getItem("pollux.form.new")).not.toContain("polluted");
});
