// Tests a rating on the phone: what is marked, sent and kept, what the room's numbers come to, and that
// nothing shows early.

import { flushSync } from "svelte";
import { expect, test, vi } from "vitest";
import { pass, plain, problem, receipt } from "../../vote/fixture";
import { onPhone } from "../../vote/fixture-room.svelte";
import { kinds } from "../../vote/kinds.svelte";
import { summary } from "../../vote/results";
import { LANGUAGES, speech, type Language } from "../../vote/words.svelte";
import type { RatingPoll } from "../kind";
import { columns } from "./ballot-marks";
import { makeRating } from "./ballot-fixture";
import { highest, scale } from "./rating";

const NONE = [0, 0, 0, 0, 0];
const POLL = makeRating([NONE, NONE, NONE]);
const ONCE = makeRating([NONE], { id: "0199aaaa-0000-7000-8000-000000000002", revote: "refuse" });

const phone = onPhone<RatingPoll>("rating");
const { reload, show, told } = phone;
/** Lets others rate, one after another. */
function others(count: number) {
  for (let i = 1; i <= count; i++) {
    const { statements, totalVoters } = makeRating(POLL.statements.map(() => [0, 0, 0, i, 0]));
    told({ statements: statements.slice(0, phone.room.poll!.statements.length), totalVoters });
  }
}

const group = (n: number) => document.querySelectorAll("fieldset")[n - 1]!;
const step = (n: number, value: number) => group(n).querySelector<HTMLInputElement>(`input[value="${value}"]`)!;
const marked = () =>
  [...document.querySelectorAll("fieldset")].map((one) =>
    Number(one.querySelector<HTMLInputElement>(":checked")?.value ?? 0),
  );
const filled = (n: number) => group(n).querySelectorAll(".on").length;
const dock = () => plain(document.querySelector(".dock")!.textContent);
const button = () => document.querySelector<HTMLButtonElement>(".wide")!;
const figures = (n: number) => plain(group(n).querySelector(".figures [aria-hidden]")!.textContent);
function tap(n: number, value: number) {
  step(n, value).click();
  flushSync();
}
function clear(n: number) {
  const button = group(n).querySelector<HTMLButtonElement>(".clear")!;
  button.focus();
  button.click();
  flushSync();
}
async function submit() {
  document.querySelector("form")!.dispatchEvent(new SubmitEvent("submit", { cancelable: true }));
  flushSync();
  await pass();
  flushSync();
}

test("each statement is a group of radio buttons that say which step they are, and what the ends mean", () => {
  show(POLL);
  expect([...document.querySelectorAll("fieldset > legend")].map((one) => one.textContent)).toEqual([
    "The talks",
    "The room",
    "The food",
  ]);
  const names = [...group(1).querySelectorAll("input")].map((one) => [
    one.type,
    plain(one.getAttribute("aria-label")!),
  ]);
  expect(names).toEqual([
    ["radio", "1 of 5: Poor"],
    ["radio", "2 of 5"],
    ["radio", "3 of 5"],
    ["radio", "4 of 5"],
    ["radio", "5 of 5: Excellent"],
  ]);
  expect(new Set([...document.querySelectorAll("input")].map(({ name }) => name)).size).toBe(3);
});

test("a star and all below it are filled; of numbers the one alone", () => {
  show(POLL);
  tap(1, 4);
  expect([filled(1), filled(2)]).toEqual([4, 0]);
  show(makeRating([NONE], { id: "0199aaaa-0000-7000-8000-000000000009", steps: 11, lowest: 0, symbol: "numbers" }));
  tap(1, 0);
  expect([filled(1), step(1, 0).checked, plain(step(1, 0).getAttribute("aria-label")!)]).toEqual([
    1,
    true,
    "0 of 10: Poor",
  ]);
});

test("marks are collected, may be taken away, and are sent by the button alone: null for what is skipped", async () => {
  show(POLL);
  expect([button().disabled, button().textContent, dock()]).toEqual([
    true,
    "Send my ratings",
    expect.stringContaining("Rate as many as you like"),
  ]);
  tap(1, 4);
  tap(2, 2);
  tap(3, 5);
  expect([plain(button().textContent), dock()]).toEqual(["Send my ratings", expect.stringContaining("All 3 rated")]);
  clear(2);
  expect([marked(), plain(button().textContent), document.activeElement]).toEqual([
    [4, 0, 5],
    "Send 2 of 3 ratings",
    step(2, 2),
  ]);
  expect(phone.booth.sent).toEqual([]);
  await submit();
  expect(phone.booth.sent.map((sent) => [sent.answer, sent.optionIds])).toEqual([[[4, null, 5], undefined]]);
  expect([marked(), dock()]).toEqual([[4, 0, 5], expect.stringContaining("Counted")]);
});

test("with all taken away there is nothing to send", async () => {
  show(POLL);
  tap(1, 4);
  clear(1);
  expect([button().disabled, marked()]).toEqual([true, [0, 0, 0]]);
  await submit();
  expect(phone.booth.sent).toEqual([]);
});

test("marks stay, and so does every element, whatever the others do", () => {
  show(POLL);
  tap(1, 3);
  tap(3, 1);
  const elements = () => [...document.querySelectorAll("form, form *")];
  const before = elements();
  step(3, 1).focus();
  others(5);
  told(
    makeRating(null, {
      results: "hidden",
      statements: makeRating(null).statements.concat({ ...POLL.statements[2]!, votes: null, mean: null, spread: null }),
    }),
  );
  others(2);
  expect(marked()).toEqual([3, 0, 1]);
  expect(elements().filter((one, i) => one !== before[i])).toEqual([]);
  expect(document.activeElement).toBe(step(3, 1));
});

const MARKS_STAY =
  "marks outlive a close that is taken back, a reload and another poll; they go with a new round and " +
  "another scale";
test(MARKS_STAY, () => {
  show(POLL);
  tap(1, 3);
  told({ status: "closed" });
  expect([marked(), document.querySelectorAll("input:enabled").length]).toEqual([[0, 0, 0], 0]);
  told({ status: "open" });
  expect(marked()).toEqual([3, 0, 0]);
  reload();
  expect(marked()).toEqual([3, 0, 0]);
  show(ONCE);
  show({ ...POLL, version: 9 });
  expect(marked()).toEqual([3, 0, 0]);
  told({ round: 2 });
  expect(marked()).toEqual([0, 0, 0]);
  tap(1, 3);
  told({ highLabel: "Perfect" });
  expect(marked()).toEqual([0, 0, 0]);
});

test("a changed mind goes under another id; the one that was counted stands where it comes too late", async () => {
  phone.booth.answers = [receipt("counted"), problem(409)];
  show(POLL);
  tap(1, 4);
  await submit();
  tap(1, 2);
  tap(2, 5);
  expect(plain(button().textContent)).toBe("Change my ratings");
  await submit();
  expect([phone.booth.sent.map(({ answer }) => answer), marked()]).toEqual([
    [
      [4, null, null],
      [2, 5, null],
    ],
    [4, 0, 0],
  ]);
  expect(dock()).toContain("Too late to change");
});

const SENT_AGAIN =
  "what was not answered goes again after a reload, under the same id and as a rating, before the poll " + "is known";
test(SENT_AGAIN, async () => {
  phone.booth.answers = [problem(503)];
  show(POLL);
  tap(2, 5);
  await submit();
  phone.booth.answers = [receipt("counted")];
  reload();
  await pass(5_000);
  expect([phone.booth.ids, phone.booth.sent.at(-1)!.answer]).toEqual([1, [null, 5, null]]);
});

test("where no rating can be changed it says so, and the first one stands", async () => {
  show(ONCE);
  tap(1, 4);
  expect([button().textContent, dock()]).toEqual([
    "Send my rating",
    expect.stringContaining("You can't change it afterwards."),
  ]);
  await submit();
  expect([document.querySelectorAll("fieldset input:enabled").length, marked()]).toEqual([0, [4]]);
  expect(group(1).querySelector<HTMLElement>(".clear")!.hidden).toBe(true);
});

test("the receipt says each statement and its step", async () => {
  show(POLL);
  tap(2, 4);
  await submit();
  document.querySelector<HTMLButtonElement>(".told button")!.click();
  flushSync();
  const facts = [...document.querySelectorAll("dialog dl > div")].map((one) => plain(one.textContent));
  expect(facts[0]).toBe("Your ratings The room: 4");
});

test("the room's average, how many rated, how many gave each step; the same as a table and in words", () => {
  show(makeRating([[0, 0, 1, 2, 1], NONE]));
  expect([figures(1), figures(2)]).toEqual(["4.04 ratings", "–0 ratings"]);
  expect([...group(1).querySelectorAll<HTMLElement>(".height")].map(({ style }) => style.transform)).toEqual([
    "scaleY(0)",
    "scaleY(0)",
    "scaleY(0.5)",
    "scaleY(1)",
    "scaleY(0.5)",
  ]);
  expect(plain(document.querySelector("#mean-1")!.textContent)).toBe("4.0 of 5, 4 ratings");
  expect(document.querySelector("#mean-2")!.textContent).toBe("Nobody has rated this yet");
  const details = document.querySelector("details")!;
  details.open = true;
  details.dispatchEvent(new window.Event("toggle"));
  flushSync();
  expect([...document.querySelectorAll("tbody:first-of-type tr")].map((row) => row.textContent)).toEqual([
    "The talks4.04",
    "1 × 02 × 03 × 14 × 25 × 1",
  ]);
});

test("hidden numbers show nothing, and their place is kept", () => {
  show(makeRating(null));
  expect([figures(1), document.querySelector("#mean-1")!.textContent, document.querySelector("details")]).toEqual([
    "",
    "",
    null,
  ]);
  expect(
    [...group(1).querySelectorAll<HTMLElement>(".height")].every(({ style }) => style.transform === "scaleY(0)"),
  ).toBe(true);
  expect([group(1).className, group(1).querySelectorAll(".column").length]).toEqual(["statement as-stars", 5]);
  expect(summary(phone.room.poll!, kinds.of("rating")!.lead(phone.room.poll!))).toBe("");
});

test("aloud: a few statements each, of many the highest and the lowest", () => {
  const said = (poll: RatingPoll) => plain(summary(poll, kinds.of("rating")!.lead(poll)));
  expect(
    said(
      makeRating([
        [0, 0, 0, 1, 0],
        [0, 1, 1, 0, 0],
      ]),
    ),
  ).toBe("2 people have voted. The talks: 4.0 of 5. The room: 2.5 of 5.");
  expect(said(POLL)).toBe("0 people have voted");
  const many = [3, 1, 5, 2, 4].map((mean, i) => ({ id: i + 1, text: `S${i + 1}`, votes: 1, mean, spread: NONE }));
  expect(said({ ...POLL, statements: many, totalVoters: 1 })).toBe(
    "1 person has voted. Highest: S3, 5.0 of 5. Lowest: S2, 1.0 of 5.",
  );
});

test.each<[Language, string, string]>([
  ["en", "4.5", "2 ratings"],
  ["de", "4,5", "2 Bewertungen"],
  ["es", "4,5", "2 valoraciones"],
  ["hi", "4.5", "2 रेटिंग"],
])("in %s figures are written as there", async (language, mean, ratings) => {
  await speech.use(language);
  show(makeRating([[0, 0, 0, 1, 1]]));
  expect(figures(1)).toBe(mean + ratings);
  expect(Object.keys(LANGUAGES)).toContain(language);
});

test("the scale begins where it says and has its steps; the most frequent step reaches the top", () => {
  const poll = makeRating([NONE], { steps: 3, lowest: 0 });
  expect([scale(poll), highest(poll)]).toEqual([[0, 1, 2], 2]);
  expect([columns([1, 4, 0]), columns(NONE), columns(null)]).toEqual([[0.25, 1, 0], NONE, []]);
});

test("a browser that takes no style from a script has the ballot paper all the same", async () => {
  vi.resetModules();
  vi.stubGlobal(
    "CSSStyleSheet",
    class {
      constructor() {
        throw new TypeError("Illegal constructor");
      }
    },
  );
  expect((await import("./ballot")).default.member).toBe("answer");
});
