// Tests points on the phone: what is given, sent and kept, that nobody gives more than is left, what the room's
// numbers come to, and that nothing shows early.

import { flushSync } from "svelte";
import { expect, test } from "vitest";
import { pass, plain, problem, receipt } from "../../vote/fixture";
import { onPhone } from "../../vote/fixture-room.svelte";
import { kinds } from "../../vote/kinds.svelte";
import { summary } from "../../vote/results";
import { speech, type Language } from "../../vote/words.svelte";
import type { PointsPoll } from "../kind";
import { colour, hatched, letter } from "../option";
import { makePoints } from "./fixture";
import * as marks from "./ballot-marks";

const NOBODY = [
  [0, 0],
  [0, 0],
  [0, 0],
] as const;
const POLL = makePoints(NOBODY);
const ONCE = makePoints(NOBODY, { id: "0199aaaa-0000-7000-8000-000000000002", revote: "refuse" });

const phone = onPhone<PointsPoll>("points");
const { reload, show, told } = phone;
const all = <E extends HTMLElement = HTMLElement>(selector: string) => [...document.querySelectorAll<E>(selector)];
const option = (n: number) => all(".gift")[n - 1]!;
const field = (n: number, type: "range" | "number") =>
  option(n).querySelector<HTMLInputElement>(`input[type="${type}"]`)!;
const button = (n: number, sign: "−" | "+") =>
  [...option(n).querySelectorAll("button")].find(({ textContent }) => textContent === sign)!;
const act = (words: string) => all<HTMLButtonElement>(".acts button").find(({ textContent }) => textContent === words)!;
/** What each slider and each number shows; both always show the same. */
const marked = () =>
  all(".gift").map((_, i) => {
    const [slider, number] = [field(i + 1, "range").value, field(i + 1, "number").value];
    expect(number).toBe(slider);
    return Number(slider);
  });
const left = () => plain(document.querySelector(".purse [role=status]")!.textContent);
const dock = () => plain(document.querySelector(".dock")!.textContent);
const sends = () => document.querySelector<HTMLButtonElement>(".wide")!;
const figures = (n: number) => plain(option(n).querySelector(".hall")!.textContent).replaceAll(/\s+/g, " ").trim();

/** Moves the slider of an option, or types into its number. */
function give(n: number, points: number | string, by: "range" | "number" = "range") {
  const one = field(n, by);
  one.value = `${points}`;
  one.dispatchEvent(new InputEvent("input", { bubbles: true }));
  flushSync();
}
function press(one: HTMLElement) {
  one.click();
  flushSync();
}
async function submit() {
  document.querySelector("form")!.dispatchEvent(new SubmitEvent("submit", { cancelable: true }));
  flushSync();
  await pass();
  flushSync();
}

test("each option has a slider and a number that bear its text, and two buttons that say what they do", () => {
  show(POLL);
  for (const [i, { text }] of POLL.options.entries())
    for (const type of ["range", "number"] as const) {
      const one = field(i + 1, type);
      expect(document.getElementById(one.getAttribute("aria-labelledby")!)!.textContent).toBe(text);
      expect([one.min, one.max, one.value]).toEqual(["0", "100", "0"]);
    }
  expect([button(1, "−"), button(1, "+")].map((one) => plain(one.getAttribute("aria-label")))).toEqual([
    "One point less: Pizza",
    "One point more: Pizza",
  ]);
  expect(option(1).querySelector(".tag")!.textContent).toBe("A");
});

test("points are given by slider, by number and by buttons, and what is left is told politely", () => {
  show(POLL);
  expect([left(), dock(), sends().disabled, plain(sends().textContent)]).toEqual([
    "Points left: 100 of 100",
    expect.stringContaining("Share out your points"),
    true,
    "Send my points",
  ]);
  give(1, 40);
  give(2, 7, "number");
  press(button(3, "+"));
  press(button(2, "−"));
  expect([marked(), left(), plain(sends().textContent)]).toEqual([
    [40, 6, 1],
    "Points left: 53 of 100",
    "Send 47 of 100 points",
  ]);
  expect(dock()).toContain("Not sent yet");
});

test("nobody gives more than is left: slider, number and button stop there, however often it is tried", () => {
  show(POLL);
  give(1, 70);
  for (const by of ["range", "number"] as const)
    for (const much of [90, 100, 31]) {
      give(2, much, by);
      expect([marked(), left()]).toEqual([[70, 30, 0], "Points left: 0 of 100"]);
    }
  press(button(2, "+"));
  press(button(3, "+"));
  expect([marked(), button(3, "+").getAttribute("aria-disabled"), button(2, "+").disabled]).toEqual([
    [70, 30, 0],
    "true",
    false,
  ]);
  press(button(3, "−"));
  expect([marked(), button(3, "−").getAttribute("aria-disabled")]).toEqual([[70, 30, 0], "true"]);
  // What is taken from one is there for another.
  give(1, 60);
  give(3, 50);
  expect(marked()).toEqual([60, 30, 10]);
});

test("a finger that comes down on a slider and then moves the page gives nothing, and takes nothing away", () => {
  show(POLL);
  for (const before of [
    [0, 0, 0],
    [0, 15, 0],
  ]) {
    give(2, before[1]!);
    field(2, "range").dispatchEvent(new Event("pointerdown", { bubbles: true }));
    for (const points of [20, 62]) give(2, points);
    expect(marked()).toEqual([0, 62, 0]);
    field(2, "range").dispatchEvent(new Event("pointercancel"));
    flushSync();
    expect([marked(), sends().disabled]).toEqual([before, !before[1]]);
  }
});

test("Enter in a field sends nothing: it leads to the next number, and from the last one to the button", () => {
  show(ONCE);
  give(1, 40, "number");
  /** Presses a key in a field; returns whether the browser would do what it does with it. */
  const goesOn = (one: HTMLElement, key: string) =>
    one.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  for (const type of ["number", "range"] as const)
    for (const [n, after] of [
      [1, field(2, "number")],
      [2, field(3, "number")],
      [3, sends()],
    ] as const) {
      field(n, type).focus();
      expect([goesOn(field(n, type), "1"), document.activeElement === field(n, type)]).toEqual([true, true]);
      expect([goesOn(field(n, type), "Enter"), document.activeElement === after]).toEqual([false, true]);
    }
});

test("of a single point it is said in no plural that it is left, or gone", () => {
  show(makePoints(NOBODY, { id: "0199aaaa-0000-7000-8000-000000000006", budget: 1 }));
  expect(left()).toBe("Points left: 1 of 1");
  press(button(1, "+"));
  expect([left(), plain(sends().textContent)]).toEqual(["Points left: 0 of 1", "Send my point"]);
});

test("a wheel moves the page, and no points", () => {
  show(POLL);
  for (const type of ["number", "range"] as const) {
    field(1, type).focus();
    const wheel = new Event("wheel", { bubbles: true, cancelable: true });
    expect([field(1, type).dispatchEvent(wheel), document.activeElement]).toEqual([true, document.body]);
  }
});

test("a number takes digits alone, and what is being typed is not written over", () => {
  show(POLL);
  /** Whether a field takes these characters; null is what a deletion has. */
  const takes = (data: string | null) =>
    field(1, "number").dispatchEvent(new InputEvent("beforeinput", { data, bubbles: true, cancelable: true }));
  expect(["2", "40", null].map(takes)).toEqual([true, true, true]);
  expect([".", ",", "e", "-", "+", "2.5"].map(takes)).toEqual(Array(6).fill(false));
  expect(field(1, "number").inputMode).toBe("numeric");
  give(1, 5, "number");
  give(1, "05", "number");
  expect(field(1, "number").value).toBe("05");
});

test("what is no whole number of points becomes one", () => {
  show(POLL);
  give(1, 20);
  for (const [typed, points] of [
    ["", 0],
    ["07", 7],
    ["12.9", 12],
    ["-5", 0],
    ["1e9", 100],
  ] as const) {
    give(1, typed, "number");
    expect([marked()[0], field(1, "number").value], typed).toEqual([points, `${points}`]);
  }
});

test("shared evenly each has the same, and what cannot be divided is left; cleared nothing can be sent", async () => {
  show(POLL);
  press(act("Share evenly"));
  expect([marked(), left()]).toEqual([[33, 33, 33], "Points left: 1 of 100"]);
  press(act("Clear"));
  expect([marked(), sends().disabled, act("Clear").getAttribute("aria-disabled")]).toEqual([[0, 0, 0], true, "true"]);
  await submit();
  expect(phone.booth.sent).toEqual([]);
  show(makePoints(NOBODY, { id: "0199aaaa-0000-7000-8000-000000000005", budget: 2 }));
  expect(act("Share evenly").disabled, "2 points for 3 options").toBe(true);
});

test("points are sent by the button alone, a number for each option", async () => {
  show(POLL);
  give(1, 40);
  give(3, 60);
  expect([phone.booth.sent, plain(sends().textContent)]).toEqual([[], "Send my points"]);
  await submit();
  expect(phone.booth.sent.map(({ answer, optionIds }) => [answer, optionIds])).toEqual([[[40, 0, 60], undefined]]);
  expect([marked(), dock(), left()]).toEqual([
    [40, 0, 60],
    expect.stringContaining("Counted"),
    "Points left: 0 of 100",
  ]);
});

test("points stay, and so does every element, whatever the others do", () => {
  show(POLL);
  give(1, 30);
  const elements = () => [...document.querySelectorAll("form, form *")];
  const before = elements();
  field(1, "range").focus();
  for (let i = 1; i <= 5; i++) {
    const { options, totalVoters } = makePoints([
      [10 * i, i],
      [5, 1],
      [0, 0],
    ]);
    told({ options, totalVoters });
  }
  told({ results: "hidden", options: makePoints(null).options });
  told({ options: POLL.options });
  expect(marked()).toEqual([30, 0, 0]);
  expect(elements().filter((one, i) => one !== before[i])).toEqual([]);
  expect(document.activeElement).toBe(field(1, "range"));
});

test("points outlive a close that is taken back, a reload and another poll; they go with a new round or budget", () => {
  show(POLL);
  give(2, 30);
  told({ status: "closed" });
  expect([marked(), all("fieldset :is(input, button):enabled").length]).toEqual([[0, 0, 0], 0]);
  told({ status: "open" });
  expect(marked()).toEqual([0, 30, 0]);
  reload();
  expect(marked()).toEqual([0, 30, 0]);
  show(ONCE);
  show({ ...POLL, version: 9 });
  expect(marked()).toEqual([0, 30, 0]);
  told({ round: 2 });
  expect(marked()).toEqual([0, 0, 0]);
  give(2, 30);
  told({ budget: 20 });
  expect([marked(), left()]).toEqual([[0, 0, 0], "Points left: 20 of 20"]);
});

test("a paper that takes nothing more invites to nothing: what was left and the two buttons keep their place", () => {
  show(POLL);
  const unseen = () => all(".purse, .acts").map(({ style }) => style.visibility === "hidden");
  expect(unseen()).toEqual([false, false]);
  told({ status: "closed" });
  expect(unseen()).toEqual([true, true]);
  told({ status: "open" });
  expect(unseen()).toEqual([false, false]);
});

test("a changed mind goes under another id; what was counted stands where it comes too late", async () => {
  phone.booth.answers = [receipt("counted"), problem(409)];
  show(POLL);
  give(1, 100);
  await submit();
  give(1, 50);
  give(2, 50);
  expect(plain(sends().textContent)).toBe("Change my points");
  await submit();
  expect([phone.booth.sent.map(({ answer }) => answer), marked()]).toEqual([
    [
      [100, 0, 0],
      [50, 50, 0],
    ],
    [100, 0, 0],
  ]);
  expect(dock()).toContain("Too late to change");
});

test("what was not answered goes again after a reload, under the same id and as points", async () => {
  phone.booth.answers = [problem(503)];
  show(POLL);
  give(2, 5);
  await submit();
  phone.booth.answers = [receipt("counted")];
  reload();
  await pass(5_000);
  expect([phone.booth.ids, phone.booth.sent.at(-1)!.answer]).toEqual([1, [0, 5, 0]]);
});

test("where points cannot be changed it says so, the first ones stand, and the button offers no more", async () => {
  show(ONCE);
  give(1, 40);
  expect(dock()).toContain("You can't change it afterwards.");
  expect(plain(sends().textContent)).toBe("Send 40 of 100 points");
  await submit();
  expect([all("fieldset :is(input, button):enabled").length, marked()]).toEqual([0, [40, 0, 0]]);
  expect([sends().disabled, plain(sends().textContent)]).toEqual([true, "Send my points"]);
});

test("the receipt says what each option was given, of those that were", async () => {
  show(POLL);
  give(1, 40);
  give(3, 25);
  await submit();
  document.querySelector<HTMLButtonElement>(".told button")!.click();
  flushSync();
  const facts = all("dialog dl > div").map((one) => plain(one.textContent));
  expect(facts[0]).toBe("Your points Pizza: 40\nSalad: 25");
});

test("the room's share and points of each option; the same as a table", () => {
  show(
    makePoints([
      [420, 9],
      [1, 1],
      [579, 12],
    ]),
  );
  expect([1, 2, 3].map(figures)).toEqual(["420 points 42%", "1 point 0.1%", "579 points 58%"]);
  expect(all(".lane span").map(({ style }) => style.transform)).toEqual([
    "scaleX(0.42)",
    "scaleX(0.001)",
    "scaleX(0.579)",
  ]);
  const details = document.querySelector("details")!;
  details.open = true;
  details.dispatchEvent(new window.Event("toggle"));
  flushSync();
  const cells = (row: HTMLElement) => [...row.children].map((cell) => plain(cell.textContent));
  expect(all("table tr").map(cells).slice(0, 2)).toEqual([
    ["Option", "Share", "Points", "People"],
    ["A · Pizza", "42%", "420", "9"],
  ]);
});

test("hidden numbers show nothing, and their place is kept", () => {
  show(makePoints(null));
  expect([figures(1), document.querySelector("details")]).toEqual(["", null]);
  expect(all(".lane span").every(({ style }) => style.transform === "scaleX(0)")).toBe(true);
  expect(option(1).className).toBe("gift");
  expect(summary(phone.room.poll!, kinds.of("points")!.lead(phone.room.poll!))).toBe("");
});

test("aloud: who has which part of all points, who has won, and that several are level", () => {
  const said = (...made: Parameters<typeof makePoints>) => {
    const poll = makePoints(...made);
    return plain(summary(poll, kinds.of("points")!.lead(poll)));
  };
  const ahead = [
    [42, 2],
    [30, 1],
    [28, 1],
  ] as const;
  expect(said(ahead)).toBe("2 people have voted. Pizza has 42% of all points.");
  expect(said(ahead, { status: "closed", final: true })).toContain("Pizza has won with 42% of all points.");
  expect(
    said([
      [50, 1],
      [50, 1],
      [0, 0],
    ]),
  ).toContain("Several are level, with 50% of all points each.");
  expect(said(NOBODY)).toBe("0 people have voted");
});

test.each<[Language, string, string]>([
  ["en", "4,200 points 42%", "Points left: 60 of 100"],
  ["de", "4.200 Punkte 42 %", "Punkte übrig: 60 von 100"],
  ["es", "4200 puntos 42 %", "Puntos restantes: 60 de 100"],
  ["hi", "4,200 अंक 42%", "100 में से 60 अंक बाकी"],
])("in %s figures are written as there", async (language, room, budget) => {
  await speech.use(language);
  show(
    makePoints([
      [4_200, 60],
      [5_800, 80],
      [0, 0],
    ]),
  );
  give(1, 40);
  expect([figures(1), left()]).toEqual([room, budget]);
});

test("in Hindi aloud: an option has been given its part of all points", async () => {
  await speech.use("hi");
  const said = (numbers: [number, number][], rest?: Partial<PointsPoll>) =>
    plain(kinds.of("points")!.lead(makePoints(numbers, rest)));
  const first = [42, 58, 0].map((points): [number, number] => [points, 1]);
  expect(said(first)).toBe("Curry को कुल अंकों का 58% मिला है।");
  expect(said(first, { status: "closed", final: true })).toBe("Curry की जीत: कुल अंकों का 58%।");
  const level = said([50, 50, 0].map((points) => [points, 1]));
  expect(level).toBe("मुक़ाबला बराबरी पर है, हरेक को कुल अंकों का 50% मिला है।");
  show(POLL);
  expect(all(".acts button").map(({ textContent }) => textContent.trim())).toEqual(["बराबर बाँटें", "सब साफ़ करें"]);
});

test("letters, colours and hatches are those of the stage and the studio, for as many options as there may be", () => {
  for (let i = 0; i < 20; i++)
    expect([marks.letter(i), marks.colour(i), marks.hatched(i)]).toEqual([letter(i), colour(i), hatched(i)]);
});
