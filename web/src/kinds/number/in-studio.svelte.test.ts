// Tests how the studio shows a number, keeps its right answer until the close, and says which values a form allows.

import { flushSync, mount, unmount, type Component } from "svelte";
import { afterEach, expect, test } from "vitest";
import { number } from "../../ui/numbers";
import { PollForm } from "../../studio/poll-form.svelte";
import type { NumberPoll } from "../kind";
import { makeNumber } from "./fixture";
import form, { gridOf } from "./in-studio-form";
import { preview } from "./in-studio-preview";
import inStudio from "./in-studio";

const ANSWERS = [
  [40, 2],
  [41, 3],
  [45, 1],
] as const;
const POLL = makeNumber(ANSWERS);

let leave = () => {};
afterEach(() => {
  leave();
  leave = () => {};
  localStorage.clear();
});

function show<Props extends Record<string, unknown>>(of: Component<Props>, props: Props) {
  leave();
  const shown = mount(of, { target: document.body, props });
  leave = () => void unmount(shown);
  flushSync();
}
const all = (selector: string) => [...document.querySelectorAll<HTMLElement>(selector)];
const texts = (node: Node): string[] =>
  node.nodeType === Node.TEXT_NODE
    ? (node.textContent ?? "").split(/\s+/).filter(Boolean)
    : [...node.childNodes].flatMap(texts);
/** Returns the words of these elements, each element's with one space between them. */
const words = (selector: string) => all(selector).map((one) => texts(one).join(" "));
const results = (poll: NumberPoll) => show(inStudio.Results, { poll });

test("mean, median and the number of answers, and on demand how many gave each value", () => {
  results(POLL);
  expect(words("dl > div")).toEqual(["▲ Mean 41.3 kg", "◆ Median 41 kg", "Answers 6"]);
  expect(words("tbody tr")).toEqual(["40 kg 2 people 33%", "41 kg 3 people 50%", "45 kg 1 person 17%"]);
  show(inStudio.Ahead, { poll: POLL });
  expect(words(".lead")).toEqual(["mean 41.3 kg"]);
});

test("hidden numbers show nothing, and nothing is ahead", () => {
  const hidden = makeNumber(null);
  results(hidden);
  expect([words("dd"), words("p")[0], all("details")]).toEqual([
    ["–", "–", "–"],
    "The numbers are hidden. With the owner's token you would see them.",
    [],
  ]);
  show(inStudio.Ahead, { poll: hidden });
  expect(words(".lead")).toEqual([]);
});

test("the organiser sees the right answer all the time; with the nearest ones it stands there after the close", () => {
  const solved = makeNumber(ANSWERS, { solution: 42 });
  results(solved);
  expect(words(".answer")).toEqual(["Right answer: 42 kg (shown after the close)"]);
  results({ ...solved, status: "closed" });
  expect(words(".answer")).toEqual(["Right answer: 42 kg — nearest: 41 kg (3 people)"]);
  results(POLL);
  expect(words(".answer")).toEqual([""]);
});

test("the rule is which numbers there are, and so is what somebody else has changed", () => {
  expect(inStudio.rule({ ...POLL, max: 5_000, step: 5 })).toEqual([
    "Number",
    `0 to ${number(5_000)}\u00a0kg, in steps of 5`,
  ]);
  const { said } = form;
  expect([
    said.min({ min: null }),
    said.max({ max: 7 }),
    said.step({ step: 0.5 }),
    said.unit({ unit: "" }),
    said.unit({ unit: "m" }),
    said.solution({ solution: null }),
    said.solution({ solution: 8_848.86 }),
  ]).toEqual(["0", "7", number(0.5), "nothing", "“m”", "none", number(8_848.86)]);
});

test("empty fields are what they are if nobody says anything, and no right answer is none", () => {
  const empty = { min: null, max: null, step: null, unit: "", solution: null };
  expect(form.body("number", ["left", "over"], empty)).toEqual({
    kind: "number",
    min: 0,
    max: 100,
    step: 1,
    unit: "",
    solution: null,
  });
  expect(form.read(makeNumber([], { solution: 8_848.86 }))).toEqual({
    min: 0,
    max: 100,
    step: 1,
    unit: "kg",
    solution: 8_848.86,
  });
});

test.each([
  [{ min: 0, max: 100, step: 1 }, "kg", "101 values: 0, 1, 2 … 100\u00a0kg"],
  [{ min: -1, max: 1, step: 1 }, "", "3 values: -1, 0, 1"],
  [{ min: 0, max: 1, step: 1 }, "", "2 values: 0, 1"],
  [{ min: 0, max: 0.6, step: 0.2 }, "m", "4 values: 0, 0.2, 0.4, 0.6\u00a0m"],
  [{ min: 0, max: 1_000, step: 1 }, "", `${number(1_001)} values: 0, 1, 2 … ${number(1_000)}`],
])("the form says which values there are: %j", (grid, unit, said) =>
  expect(preview(grid, unit)).toEqual({ words: said, fault: "", wrong: [] }),
);

test.each([
  [{ min: 5, max: 5, step: 1 }, "The first number has to be below the last one.", ["min", "max"]],
  [{ min: 0, max: 5, step: 0 }, "A step has to be above 0.", ["step"]],
  [
    { min: 0, max: 10, step: 3 },
    "Steps of 3 from 0 do not reach 10. Try steps of 2 or 5, or to end at 9 or 12.",
    ["step"],
  ],
  [
    { min: 0, max: 100, step: 3 },
    "Steps of 3 from 0 do not reach 100. Try steps of 2 or 5, or to end at 99 or 102.",
    ["step"],
  ],
  [
    { min: -0.7, max: 0.2, step: 0.4 },
    `Steps of 0.4 from -0.7 do not reach 0.2. Try steps of 0.1, or to end at 0.1 or 0.5.`,
    ["step"],
  ],
  [
    { min: 0, max: 10_007, step: 20 },
    `Steps of 20 from 0 do not reach ${number(10_007)}. Try to end at ${number(10_000)} or ${number(10_020)}.`,
    ["step"],
  ],
  [
    { min: 0, max: 100, step: 200 },
    "Steps of 200 from 0 do not reach 100. Try steps of 100, or to end at 200.",
    ["step"],
  ],
  [
    { min: 9e8, max: 1e9, step: 3e7 },
    `Steps of ${number(3e7)} from ${number(9e8)} do not reach ${number(1e9)}. ` +
      `Try steps of ${number(2e7)} or ${number(5e7)}, or to end at ${number(9.9e8)}.`,
    ["step"],
  ],
  [{ min: 0, max: 1, step: 1e-7 }, "Numbers may have at most 6 decimals.", ["step"]],
  [{ min: 0.1234567, max: 1, step: 1e-7 }, "Numbers may have at most 6 decimals.", ["min", "step"]],
  [{ min: 0, max: 1e10, step: 1e8 }, `Numbers may be from ${number(-1e9)} to ${number(1e9)}.`, ["max"]],
  [
    { min: 0, max: 10_000, step: 1 },
    `There would be ${number(10_001)} values; at most ${number(1_001)} are possible. Try steps of 10.`,
    ["step"],
  ],
  [
    { min: 0, max: 10_007, step: 1 },
    `There would be ${number(10_008)} values; at most ${number(1_001)} are possible. ` +
      `Try steps of 10 up to ${number(10_000)}.`,
    ["step"],
  ],
  [
    { min: -1e9, max: 1e9, step: 0.3 },
    `There would be ${number(6_666_666_667)} values; at most ${number(1_001)} are possible. ` +
      `Try steps of ${number(2e6)}.`,
    ["step"],
  ],
])("the form says what is wrong with %j, and what would do", (grid, fault, wrong) =>
  expect(preview(grid, "kg")).toEqual({ words: "", fault, wrong }),
);

test("what the form advises is what it takes", () => {
  for (const max of [7, 10, 11, 1_001, 1_002, 10_007, 123_456.789, 1e9 - 1])
    for (const step of [0.3, 1, 3, 20, 700]) {
      const { fault } = preview({ min: 0, max, step }, "");
      const plain = fault.replaceAll(",", "");
      const [, steps = "", upTo = ""] = /Try steps of ([\d.]+(?: or [\d.]+)?)(?: up to ([\d.]+))?/.exec(plain) ?? [];
      const [, ends = ""] = /to end at ([\d.]+(?: or [\d.]+)?)/.exec(plain) ?? [];
      const each = (words: string) =>
        words
          .split(" or ")
          .map((one) => Number(one.replace(/\.$/, "")))
          .filter(Boolean);
      const advised = [
        ...each(steps).map((step) => ({ min: 0, max: each(upTo)[0] ?? max, step })),
        ...each(ends).map((max) => ({ min: 0, max, step })),
      ];
      expect(advised.length > 0, fault).toBe(fault !== "");
      for (const grid of advised) expect([grid, preview(grid, "").fault]).toEqual([grid, ""]);
    }
});

test("the editor says it in place, and the server's words come first", () => {
  const made = new PollForm("new");
  made.kind = "number";
  show(inStudio.Editor, { form: made });
  const fields = () =>
    all("input").map((field) => [(field as HTMLInputElement).value, field.getAttribute("aria-invalid")]);
  expect([fields(), words("#number-preview")]).toEqual([
    [
      ["0", null],
      ["100", null],
      ["1", null],
      ["", null],
      ["", null],
    ],
    ["101 values: 0, 1, 2 … 100"],
  ]);
  made.own.max = 5_000;
  flushSync();
  expect([words("#number-fault")[0], fields()[2]]).toEqual([expect.stringContaining("Try steps of 5."), ["1", "true"]]);
  made.blame([
    { pointer: "/max", detail: "is too great" },
    { pointer: "/solution", detail: "has too many decimals" },
  ] as never);
  flushSync();
  expect([words("#number-fault"), words("#solution-fault"), fields()[1]![1], fields()[4]![1]]).toEqual([
    ["is too great"],
    ["has too many decimals"],
    "true",
    "true",
  ]);
  // What the server said goes with a change of what it is about: bounds and step are judged together.
  made.own.step = 5;
  flushSync();
  expect([words("#number-fault"), words("#solution-fault"), words("#number-preview")]).toEqual([
    [""],
    ["has too many decimals"],
    [`${number(1_001)} values: 0, 5, 10 … ${number(5_000)}`],
  ]);
  made.own.solution = 1e-7;
  flushSync();
  expect([words("#solution-fault"), fields()[4]![1]]).toEqual([["Numbers may have at most 6 decimals."], "true"]);
  made.own.solution = 17.75;
  flushSync();
  expect([words("#solution-fault"), fields()[4]![1], made.faults.size]).toEqual([[""], null, 0]);
  made.own.step = 1;
  flushSync();
  expect([words("#number-fault"), fields()[1]![1]]).toEqual([["is too great"], "true"]);
});

test("a form of a number has no rows, keeps those of another kind, and sends what was touched alone", () => {
  const fresh = new PollForm("new");
  fresh.question = "How heavy?";
  fresh.add("Pizza");
  fresh.kind = "number";
  fresh.own.solution = 42;
  expect(fresh.body(true)).toMatchObject({ kind: "number", min: 0, max: 100, step: 1, unit: "", solution: 42 });
  expect(Object.keys(fresh.body(true))).not.toContain("options");
  expect([fresh.most, fresh.rows.at(-1)!.text]).toEqual([0, "Pizza"]);

  const draft = new PollForm("draft", makeNumber(null, { solution: 42 }));
  expect([draft.changed, draft.rows.map(({ text }) => text)]).toEqual([false, ["", "", ""]]);
  draft.own.solution = null;
  expect(draft.patch()).toEqual({ solution: null });
  draft.own.solution = 42;
  draft.own.max = 200;
  expect(draft.patch()).toEqual({ max: 200 });
  draft.kind = "single";
  draft.rows[0]!.text = "Yes";
  draft.rows[1]!.text = "No";
  expect(draft.patch()).toEqual({ kind: "single", options: ["Yes", "No"], maxChoices: 1 });
  expect(gridOf(draft.own)).toEqual({ min: 0, max: 200, step: 1 });
});
