// Tests a number on the phone: that none is suggested, what is given by field, buttons and slider, sent and kept, what
// the room's answers come to, and that nothing shows early.

import { flushSync } from "svelte";
import { expect, test } from "vitest";
import { pass, plain, problem, receipt } from "../../vote/fixture";
import { onPhone } from "../../vote/fixture-room.svelte";
import { kinds } from "../../vote/kinds.svelte";
import { summary } from "../../vote/results";
import { speech, type Language } from "../../vote/words.svelte";
import type { NumberPoll } from "../kind";
import { makeNumber } from "./fixture";

const POLL = makeNumber([]);
const ANSWERS = [
  [40, 2],
  [41, 3],
  [45, 1],
] as const;

const phone = onPhone<NumberPoll>("number");
const { reload, show, told } = phone;
const one = <E extends HTMLElement = HTMLElement>(selector: string) => document.querySelector<E>(selector)!;
const field = () => one<HTMLInputElement>("[role=spinbutton]");
const slider = () => one<HTMLInputElement>("[type=range]");
const button = (sign: "−" | "+") =>
  [...document.querySelectorAll<HTMLButtonElement>(".entry button")].find(({ textContent }) => textContent === sign)!;
const sends = () => one<HTMLButtonElement>(".wide");
const words = (selector: string) => plain(one(selector).textContent).replaceAll(/\s+/g, " ").trim();
const texts = (node: Node): string[] =>
  node.nodeType === Node.TEXT_NODE
    ? (node.textContent ?? "").split(/\s+/).filter(Boolean)
    : [...node.childNodes].flatMap(texts);
/** Returns the words of what the room has answered. */
const answers = () => plain(texts(one(".answers")).join(" "));
const advice = () => words(".advice");
/** What the field, the button and the slider show; the slider's number is null while its thumb is not there. */
const stands = () => [
  field().value,
  words(".wide"),
  one(".slide").classList.contains("unset") ? null : Number(slider().value),
];

function type(text: string) {
  field().focus();
  field().value = text;
  field().dispatchEvent(new InputEvent("input", { bubbles: true }));
  flushSync();
}
function leave() {
  field().dispatchEvent(new FocusEvent("blur"));
  flushSync();
}
function slide(to: number) {
  slider().value = `${to}`;
  slider().dispatchEvent(new InputEvent("input", { bubbles: true }));
  flushSync();
}
function key(of: HTMLElement, name: string) {
  const event = new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true });
  of.dispatchEvent(event);
  flushSync();
  return event.defaultPrevented;
}
function press(what: HTMLElement) {
  what.click();
  flushSync();
}
async function submit() {
  one("form").dispatchEvent(new SubmitEvent("submit", { cancelable: true }));
  flushSync();
  await pass();
  flushSync();
}

test("no number is suggested: the field is empty, the thumb not there, and the button says what is missing", () => {
  show(makeNumber(ANSWERS));
  expect([stands(), sends().disabled, advice()]).toEqual([
    ["", "Enter a number first", null],
    true,
    "From 0 to 100\u00a0kg".replace(/\s/g, " "),
  ]);
  expect([field().getAttribute("aria-valuenow"), field().getAttribute("aria-valuetext")]).toEqual([
    null,
    "No answer yet",
  ]);
  expect([field().getAttribute("aria-labelledby"), slider().getAttribute("aria-labelledby")]).toEqual([
    "question",
    "question",
  ]);
  expect(one(".answers").classList.contains("known"), "what others have answered leads nobody").toBe(false);
});

test("a number is given by field, by slider and by buttons, and each shows what the others gave", () => {
  show(POLL);
  type("42");
  expect([stands(), sends().disabled]).toEqual([["42", "Send 42 kg", 42], false]);
  press(button("+"));
  expect(stands()).toEqual(["43", "Send 43 kg", 43]);
  slide(7);
  expect([stands(), slider().getAttribute("aria-valuetext"), field().getAttribute("aria-valuenow")]).toEqual([
    ["7", "Send 7 kg", 7],
    "7\u00a0kg",
    "7",
  ]);
  press(button("−"));
  expect(stands()).toEqual(["6", "Send 6 kg", 6]);
  expect([key(field(), "ArrowUp"), key(field(), "ArrowUp"), key(field(), "ArrowDown"), key(field(), "x")]).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(stands()).toEqual(["7", "Send 7 kg", 7]);
});

test("whoever has given none yet begins at an end, whichever way is taken, and the ends hold", () => {
  show(POLL);
  press(button("+"));
  expect([stands(), button("−").getAttribute("aria-disabled")]).toEqual([["0", "Send 0 kg", 0], "true"]);
  press(button("−"));
  expect(stands()).toEqual(["0", "Send 0 kg", 0]);
  type("");
  press(button("−"));
  expect(stands()).toEqual(["100", "Send 100 kg", 100]);
  press(button("+"));
  expect([stands(), button("+").getAttribute("aria-disabled")]).toEqual([["100", "Send 100 kg", 100], "true"]);
  for (const [name, end] of [
    ["ArrowRight", 0],
    ["Home", 0],
    ["ArrowDown", 100],
    ["End", 100],
  ] as const) {
    type("");
    expect(stands()).toEqual(["", "Enter a number first", null]);
    expect(key(slider(), name)).toBe(true);
    expect(stands()[2], name).toBe(end);
  }
  expect(key(slider(), "ArrowLeft"), "from then on the browser moves the slider").toBe(false);
  type("");
  expect(key(slider(), "Tab")).toBe(false);
  expect(stands()).toEqual(["", "Enter a number first", null]);
});

test("comma and point are the same; a number between two values is put to the nearest one, in sight", () => {
  show(makeNumber([], { max: 10, step: 0.5 }));
  expect(advice()).toBe("From 0 to 10 kg, in steps of 0.5 kg");
  type("4,3");
  expect([field().value, words(".wide"), advice()]).toEqual(["4,3", "Send 4.5 kg", expect.stringContaining("From 0")]);
  leave();
  expect([stands(), advice()]).toEqual([["4.5", "Send 4.5 kg", 9], "The nearest value is 4.5 kg."]);
  type("4.5");
  leave();
  expect([field().value, advice()]).toEqual(["4.5", "From 0 to 10 kg, in steps of 0.5 kg"]);
});

test("what lies outside is said kindly, and nobody is told while it may still become right", () => {
  show(makeNumber([], { min: 10 }));
  type("5");
  expect([advice(), sends().disabled, field().getAttribute("aria-invalid")]).toEqual([
    "From 10 to 100 kg",
    true,
    "false",
  ]);
  type("50");
  expect(stands()[1]).toBe("Send 50 kg");
  type("500");
  expect([advice(), sends().disabled, field().getAttribute("aria-invalid")]).toEqual([
    "Please enter a number from 10 to 100 kg.",
    true,
    "true",
  ]);
  type("5");
  leave();
  expect([advice(), field().value]).toEqual(["Please enter a number from 10 to 100 kg.", "5"]);
  type("abc");
  expect(advice()).toBe("From 10 to 100 kg");
  leave();
  expect([advice(), field().value]).toEqual(["Please enter a number from 10 to 100 kg.", "abc"]);
  type("");
  leave();
  expect([advice(), sends().disabled]).toEqual(["From 10 to 100 kg", true]);
});

test("numbers below zero can be typed on every keyboard", () => {
  show(makeNumber([], { min: -50, max: 50, unit: "°C" }));
  expect(field().inputMode).toBe("text");
  type("-7");
  expect(stands()).toEqual(["-7", "Send -7 °C", 43]);
  show(POLL);
  expect(field().inputMode).toBe("decimal");
});

test("Enter in the field sends nothing: it puts the number in order, and leads to the button", () => {
  show(POLL);
  type("41.8");
  expect(key(field(), "Enter")).toBe(true);
  expect([stands(), document.activeElement, phone.booth.sent]).toEqual([["42", "Send 42 kg", 42], sends(), []]);
});

test("a finger that comes down on the slider and then moves the page gives nothing, and takes nothing away", () => {
  const cancel = () => {
    slider().dispatchEvent(new Event("pointercancel", { bubbles: true }));
    flushSync();
  };
  const down = () => slider().dispatchEvent(new Event("pointerdown", { bubbles: true }));
  show(POLL);
  down();
  slide(60);
  cancel();
  expect([stands(), sends().disabled]).toEqual([["", "Enter a number first", null], true]);
  type("42");
  down();
  slide(60);
  expect(stands()[2]).toBe(60);
  cancel();
  expect(stands()).toEqual(["42", "Send 42 kg", 42]);
});

test("a tap on the slider's very end counts, though the slider does not move for it", () => {
  show(POLL);
  press(slider());
  expect(stands()).toEqual(["0", "Send 0 kg", 0]);
});

test("a finger on the thumb that is not there yet gives the end, though it makes neither an input nor a click", () => {
  const lift = (offsetX: number, pointerType: string) => {
    Object.defineProperties(slider(), { offsetWidth: { value: 300 }, offsetHeight: { value: 48 } });
    slider().dispatchEvent(Object.assign(new Event("pointerup", { bubbles: true }), { pointerType, offsetX }));
    flushSync();
  };
  show(POLL);
  lift(3, "mouse");
  expect(stands()).toEqual(["", "Enter a number first", null]);
  lift(3, "touch");
  expect(stands()).toEqual(["0", "Send 0 kg", 0]);
  lift(200, "touch");
  expect(stands(), "from then on the browser moves the slider").toEqual(["0", "Send 0 kg", 0]);
  show(makeNumber([], { max: 1 }));
  lift(100, "touch");
  expect(stands()).toEqual(["0", "Send 0 kg", 0]);
});

test("a wheel moves the page, and no number", () => {
  show(POLL);
  slider().focus();
  slider().dispatchEvent(new WheelEvent("wheel", { deltaY: 100, bubbles: true }));
  expect([document.activeElement === slider(), stands()]).toEqual([false, ["", "Enter a number first", null]]);
});

test("an answer is one number without a list around it, also 0, and after a reload", async () => {
  show(POLL);
  type("0");
  await submit();
  expect(phone.booth.sent[0]).toMatchObject({ answer: 0 });
  expect(phone.booth.sent[0]).not.toHaveProperty("optionIds");
  expect(words(".dock")).toContain("Counted");
  type("42");
  expect(words(".wide")).toBe("Change to 42 kg");
  phone.booth.answers = [problem(503), receipt("counted")];
  await submit();
  expect(words(".dock")).toContain("Not through yet");
  reload();
  show(POLL);
  expect(field().value).toBe("42");
  await pass(60_000);
  flushSync();
  const sent = phone.booth.sent.map(({ answer }) => answer);
  expect([sent[0], [...new Set(sent.slice(1))], sent.length > 2]).toEqual([0, [42], true]);
  expect(phone.booth.ids).toBe(2);
});

test("what was sent is there again once the field was emptied or left with no answer, and after a reload", async () => {
  show(POLL);
  type("42");
  await submit();
  for (const text of ["", "500"]) {
    type(text);
    expect([field().value, words(".dock")]).toEqual([text, expect.stringContaining("Counted")]);
    reload();
    show(POLL);
    expect([field().value, slider().value, words(".dock")]).toEqual(["42", "42", expect.stringContaining("Counted")]);
  }
  type("");
  leave();
  expect([field().value, slider().value, advice()]).toEqual(["42", "42", "From 0 to 100 kg"]);
  type("50");
  type("");
  expect(words(".dock"), "the mark that was taken back is not sent").not.toContain("50");
});

test("the poll's unit may be typed, and thousands be parted", () => {
  show(POLL);
  type("42 kg");
  expect(stands()).toEqual(["42 kg", "Send 42 kg", 42]);
  leave();
  expect(stands()).toEqual(["42", "Send 42 kg", 42]);
  show(makeNumber([], { max: 10_000, step: 12.5, unit: "€" }));
  type("10,000");
  leave();
  expect([...stands(), advice()]).toEqual(["10000", "Send 10,000 €", 800, "From 0 to 10,000 €, in steps of 12.5 €"]);
  type("10,010");
  expect([advice(), sends().disabled]).toEqual(["Please enter a number from 0 to 10,000 €.", true]);
});

test("where it cannot be changed the first answer stands, and nothing can be touched any more", async () => {
  show(makeNumber([], { revote: "refuse" }));
  type("42");
  await submit();
  expect(
    [...document.querySelectorAll<HTMLInputElement>("fieldset :is(input, button)")].every((it) => it.disabled),
  ).toBe(true);
  expect(field().value).toBe("42");
});

test("a number and every element stay, whatever the others do; what is being typed is not written over", () => {
  show(POLL);
  type("4");
  const before = field();
  told({ ...makeNumber([[50, 9]]), version: 2 });
  expect([field() === before, field().value]).toEqual([true, "4"]);
  type("42,");
  told({ ...makeNumber([[50, 10]]), version: 3 });
  expect([field().value, words(".wide")]).toEqual(["42,", "Send 42 kg"]);
  told({ round: 2 });
  expect(stands()).toEqual(["", "Enter a number first", null]);
});

test("a close shows what was sent and takes no touch; what was marked is there again when it is taken back", () => {
  show(POLL);
  type("500");
  told({ status: "closed" });
  expect([field().value, field().disabled, advice()]).toEqual(["", true, "From 0 to 100 kg"]);
  told({ status: "open" });
  type("42");
  told({ status: "closed" });
  told({ status: "open" });
  expect(stands()).toEqual(["42", "Send 42 kg", 42]);
});

test("the receipt says what was answered", () => {
  const kind = kinds.of("number")!;
  expect([kind.yours(POLL), kind.lines(POLL, [42]), kind.lines(POLL, [])]).toEqual([
    "You answered",
    ["42\u00a0kg"],
    [],
  ]);
});

async function voted(value: number, poll: NumberPoll) {
  show({ ...poll, status: "open", final: false, solution: null, nearest: null });
  type(`${value}`);
  await submit();
  told(poll);
}

test("after the vote: the histogram with one's own answer marked, mean and median", async () => {
  await voted(45, makeNumber(ANSWERS));
  expect(one(".answers").classList.contains("known")).toBe(true);
  const heaps = [...document.querySelectorAll<HTMLElement>(".heap")];
  expect(heaps.map((heap) => heap.querySelector("span")!.style.transform)).toEqual(
    [2, 3, 0, 0, 0, 1].map((people) => `scaleY(${people / 3})`),
  );
  expect(heaps.map((heap) => heap.className.replace(/heap|svelte-\w+/g, "").trim())).toEqual([
    "",
    "",
    "",
    "",
    "",
    "own",
  ]);
  expect(answers()).toBe("40 45 kg Mean 41.3 kg Median 41 kg ▲ You answered 45 kg");
});

test("a right answer that nobody can give is marked at the column nearest to it", async () => {
  const grid = { max: 10_000, step: 10, unit: "m" };
  const marked = () => [...document.querySelectorAll(".heap")].map((heap) => heap.classList.contains("right"));
  const given = [[8_830, 1], [8_840, 1], [8_850, 1]] as const; // prettier-ignore
  show(makeNumber(given, { ...grid, solution: 8_848.86, status: "closed", final: true }));
  expect(marked()).toEqual([false, false, true]);
  show(makeNumber(given, { ...grid, solution: 8_844.9, status: "closed", final: true }));
  expect(marked()).toEqual([false, true, false]);
  show(makeNumber(given, { ...grid, solution: 9_000, status: "closed", final: true }));
  expect(marked()).toEqual([false, false, false]);
});

test("below the columns stand the lowest and the highest answer, and one where all are the same", () => {
  const ends = () => [...document.querySelectorAll(".answers .limits bdi")].map((end) => plain(end.textContent));
  show(makeNumber([[42, 1], [97, 1]], { status: "closed", final: true })); // prettier-ignore
  expect(ends()).toEqual(["42", "97\u00a0kg"]);
  show(makeNumber([[42, 3]], { status: "closed", final: true }));
  expect(ends()).toEqual(["42\u00a0kg"]);
});

test("after the close: the right answer, how far one's own was, and who came nearest; never before", async () => {
  const solved = makeNumber(ANSWERS, { solution: 42, status: "closed", final: true });
  await voted(45, { ...solved, status: "open", final: false });
  expect(answers(), "even where it is known here").not.toContain("Right");
  told(solved);
  expect(answers()).toContain(
    "▲ You answered 45 kg ✓ Right answer: 42 kg Your answer is 3 kg away Nearest: 41 kg (3 people)",
  );
  expect(document.querySelectorAll(".right")).toHaveLength(1);
  told({ ...solved, solution: 45, nearest: { values: [45], people: 1 } });
  expect(answers()).toContain("Your answer is exactly right! Nearest: 45 kg (1 person)");
  told({ ...solved, status: "open", final: false, solution: null, nearest: null });
  expect(answers(), "after a reopening").not.toContain("Right");
});

test("whoever has not voted sees the numbers once the poll is closed, and no word of an answer of their own", () => {
  show(makeNumber(ANSWERS, { solution: 42, status: "closed", final: true }));
  expect([one(".answers").classList.contains("known"), answers()]).toEqual([
    true,
    "40 45 kg Mean 41.3 kg Median 41 kg ✓ Right answer: 42 kg Nearest: 41 kg (3 people)",
  ]);
});

test("hidden numbers show nothing, and their place is kept", async () => {
  await voted(42, makeNumber(null));
  expect([one(".answers").classList.contains("known"), document.querySelector("details")]).toEqual([false, null]);
  expect(answers().replace(/Mean|Median|–|\s/g, "")).toBe("");
});

test("the same as a table: bins, mean and median", () => {
  show(makeNumber([...ANSWERS, [95, 6]]));
  one("details").setAttribute("open", "");
  one("details").dispatchEvent(new Event("toggle"));
  flushSync();
  const rows = [...document.querySelectorAll("tr")].map((row) =>
    [...row.children].map((cell) => plain(cell.textContent).replaceAll(/\s+/g, " ").trim()),
  );
  expect(rows[0]).toEqual(["Answer", "People", "Share"]);
  expect(rows[1]).toEqual(["40–44 kg", "5", "42%"]);
  expect(rows.at(-3)).toEqual(["95–99 kg", "6", "50%"]);
  expect(rows.slice(-2)).toEqual([
    ["Mean", "68.2 kg"],
    ["Median", "70 kg"],
  ]);
});

test("in the table a dash beside a minus has spaces", () => {
  show(makeNumber([[-40, 1], [-17, 1]], { min: -100, unit: "°C" })); // prettier-ignore
  one("details").setAttribute("open", "");
  one("details").dispatchEvent(new Event("toggle"));
  flushSync();
  expect(plain(document.querySelector("tbody th")!.textContent).replaceAll(/\s+/g, " ").trim()).toBe("-40 – -39 °C");
});

test("aloud: mean and median, and after the close the right answer", () => {
  const said = (poll: NumberPoll) => plain(summary(poll, kinds.of("number")!.lead(poll))).replaceAll("\u00a0", " ");
  expect(said(makeNumber(ANSWERS))).toBe("6 people have voted. Mean 41.3 kg, median 41 kg.");
  expect(said(POLL)).toBe("0 people have voted");
  expect(said(makeNumber(ANSWERS, { solution: 42, status: "closed" }))).toBe(
    "6 people have voted. Mean 41.3 kg, median 41 kg. Right answer: 42 kg. Nearest: 41 kg (3 people)",
  );
  expect(said(makeNumber(ANSWERS, { solution: 42 }))).not.toContain("42");
});

test.each<[Language, string, string, string]>([
  ["en", "1234.5", "Send 1,234.5 m", "From 1,000 to 1,500 m, in steps of 0.5 m"],
  ["de", "1234,5", "1.234,5 m senden", "Von 1.000 bis 1.500 m, in Schritten von 0,5 m"],
  ["es", "1234,5", "Enviar 1234,5 m", "De 1000 a 1500 m, en pasos de 0,5 m"],
  ["hi", "1234.5", "1,234.5 m भेजें", "1,000 से 1,500 m तक, हर 0.5 m पर"],
])("in %s numbers are written as there, and read as they are written", async (language, text, send, range) => {
  await speech.use(language);
  show(makeNumber(null, { min: 1_000, max: 1_500, step: 0.5, unit: "m" }));
  expect(advice()).toBe(range);
  type(text);
  leave();
  expect([field().value, words(".wide")]).toEqual([text, send]);
});
