// Tests a ranking on the phone: what is marked, sent and kept, what the room's numbers come to, and that nothing
// shows early.

import { flushSync } from "svelte";
import { expect, test } from "vitest";
import { pass, plain, problem, receipt } from "../../vote/fixture";
import { onPhone } from "../../vote/fixture-room.svelte";
import { kinds } from "../../vote/kinds.svelte";
import { summary } from "../../vote/results";
import { LANGUAGES, speech, type Language } from "../../vote/words.svelte";
import type { RankingPoll } from "../kind";
import { makeRanking } from "./fixture";

const NONE = [0, 0, 0];
const POLL = makeRanking([NONE, NONE, NONE]);
const BEST_TWO = makeRanking(
  [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
  ],
  { id: "0199aaaa-0000-7000-8000-000000000002" },
);
/** Two ranked Tea before Coffee, one ranked Juice alone. */
const VOTED = makeRanking([
  [2, 0, 0],
  [0, 2, 0],
  [1, 0, 0],
]);

const phone = onPhone<RankingPoll>("ranking");
const { reload, show, told } = phone;
/** Lets others vote, one after another. */
function others(count: number) {
  for (let i = 1; i <= count; i++) {
    const { options, totalVoters } = makeRanking([[0, i, 0], NONE, [i, 0, 0]]);
    told({ options, totalVoters });
  }
}

const rows = () => [...document.querySelectorAll<HTMLElement>(".ranking li")];
const nameOf = (row: HTMLElement) => row.querySelector(".named > :first-child")!.textContent;
const row = (text: string) => rows().find((one) => nameOf(one) === text)!;
const pick = (text: string) => row(text).querySelector<HTMLButtonElement>(".pick")!;
const nudge = (text: string, way: "up" | "down") => row(text).querySelector<HTMLButtonElement>(`.${way}`)!;
/** The texts in the order of the paper, those that have a place with it. */
const paper = () =>
  rows()
    .map((one) => plain(one.querySelector(".badge")!.textContent) + nameOf(one))
    .join(" ");
const dock = () => plain(document.querySelector(".dock")!.textContent);
const button = () => document.querySelector<HTMLButtonElement>(".wide")!;
const aloud = () => plain(document.querySelector(".ranking > [aria-live]")!.textContent);
const score = (text: string) =>
  [...row(text).querySelectorAll(".score > *")].map((one) => plain(one.textContent)).join(" ");
function tap(...texts: string[]) {
  for (const text of texts) {
    pick(text).click();
    flushSync();
  }
}
function press(text: string, key: string) {
  pick(text).focus();
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
  pick(text).dispatchEvent(event);
  flushSync();
  return event.defaultPrevented;
}
async function submit() {
  document.querySelector("form")!.dispatchEvent(new SubmitEvent("submit", { cancelable: true }));
  flushSync();
  await pass();
  flushSync();
}

test("each option is a button that says its place; a tap takes the next place, another gives it back", () => {
  show(POLL);
  expect(document.querySelector("fieldset")!.getAttribute("aria-describedby")).toBe("how");
  expect([paper(), document.querySelector("#how")!.textContent]).toEqual([
    "Tea Coffee Juice",
    "Tap them in your order, best first, or drag them.",
  ]);
  tap("Juice");
  expect([paper(), aloud()]).toEqual(["1Juice Tea Coffee", "Juice: place 1 of 3"]);
  tap("Coffee", "Tea");
  expect([paper(), aloud()]).toEqual(["1Juice 2Coffee 3Tea", "Tea: place 3 of 3"]);
  const labels = pick("Coffee").getAttribute("aria-labelledby")!.split(" ");
  expect(labels.map((id) => plain(document.getElementById(id)!.textContent))).toEqual(["Coffee", "place 2 of 3"]);
  expect([pick("Coffee").ariaPressed ?? pick("Coffee").getAttribute("aria-pressed")]).toEqual(["true"]);
  tap("Juice");
  expect([paper(), aloud()]).toEqual(["1Coffee 2Tea Juice", "Juice: no place"]);
  expect(pick("Juice").getAttribute("aria-pressed")).toBe("false");
});

test("the arrow keys, Home and End move what has a place, and the focus goes along", () => {
  show(POLL);
  tap("Tea", "Coffee", "Juice");
  expect(press("Juice", "ArrowUp")).toBe(true);
  expect([paper(), aloud(), document.activeElement]).toEqual([
    "1Tea 2Juice 3Coffee",
    "Juice: place 2 of 3",
    pick("Juice"),
  ]);
  press("Juice", "Home");
  expect(paper()).toBe("1Juice 2Tea 3Coffee");
  press("Juice", "ArrowUp");
  expect(paper(), "it stays at the end").toBe("1Juice 2Tea 3Coffee");
  press("Juice", "End");
  expect(paper()).toBe("1Tea 2Coffee 3Juice");
  press("Juice", "ArrowDown");
  expect([paper(), document.activeElement]).toEqual(["1Tea 2Coffee 3Juice", pick("Juice")]);
});

test("keys that mean nothing here are left to the browser", () => {
  show(POLL);
  tap("Tea");
  expect([press("Coffee", "ArrowDown"), press("Tea", "PageDown"), paper()]).toEqual([
    false,
    false,
    "1Tea Coffee Juice",
  ]);
});

test("so do two buttons, which stop at the ends without losing the focus", () => {
  show(POLL);
  expect(nudge("Tea", "up").hidden).toBe(true);
  tap("Tea", "Coffee");
  expect([nudge("Coffee", "up").hidden, nudge("Juice", "up").hidden]).toEqual([false, true]);
  expect(plain(nudge("Coffee", "up").getAttribute("aria-label")!)).toBe("One place up: Coffee");
  nudge("Coffee", "up").focus();
  nudge("Coffee", "up").click();
  flushSync();
  expect([paper(), document.activeElement, nudge("Coffee", "up").getAttribute("aria-disabled")]).toEqual([
    "1Coffee 2Tea Juice",
    nudge("Coffee", "up"),
    "true",
  ]);
  nudge("Coffee", "up").click();
  nudge("Tea", "down").click();
  flushSync();
  expect(paper()).toBe("1Coffee 2Tea Juice");
});

test("with fewer places than options no more can be given, and the rest says that it does not count", () => {
  show(BEST_TWO);
  expect(plain(document.querySelector("#how")!.textContent)).toBe(
    "Tap them in your order, best first, or drag them. You can give 2 places.",
  );
  expect(dock()).toContain("Begin with the best");
  tap("Water", "Tea");
  expect([
    paper(),
    pick("Coffee").disabled,
    pick("Coffee").getAttribute("aria-disabled"),
    row("Coffee").className,
  ]).toEqual(["1Water 2Tea Coffee Juice", false, "true", "shown spare below"]);
  expect(dock()).toContain("2 of 2 places given");
  tap("Coffee");
  expect(paper()).toBe("1Water 2Tea Coffee Juice");
  tap("Water", "Juice");
  expect(paper()).toBe("1Tea 2Juice Coffee Water");
  show(makeRanking([[0], [0]], { id: "0199aaaa-0000-7000-8000-000000000005" }));
  expect(plain(document.querySelector("#how")!.textContent)).toContain("You can give 1 place.");
});

test("an order is sent by the button alone, best first, and as much of it as there is", async () => {
  show(POLL);
  expect([button().disabled, button().textContent]).toEqual([true, "Send my ranking"]);
  tap("Juice", "Tea");
  expect([plain(button().textContent), dock()]).toEqual([
    "Send my ranking",
    expect.stringContaining("2 of 3 places given"),
  ]);
  tap("Coffee");
  expect([button().textContent, phone.booth.sent]).toEqual(["Send my ranking", []]);
  await submit();
  expect(phone.booth.sent.map((sent) => [sent.answer, sent.optionIds])).toEqual([[[3, 1, 2], undefined]]);
  expect([paper(), dock()]).toEqual(["1Juice 2Tea 3Coffee", expect.stringContaining("Counted")]);
});

test("with all places taken back there is nothing to send", async () => {
  show(POLL);
  tap("Tea", "Tea");
  expect([button().disabled, paper()]).toEqual([true, "Tea Coffee Juice"]);
  await submit();
  expect(phone.booth.sent).toEqual([]);
});

test("the order stays, and so does every element, whatever the others do", () => {
  show(POLL);
  tap("Juice");
  const elements = () => [...document.querySelectorAll("form, form *")];
  const before = elements();
  pick("Coffee").focus();
  others(5);
  told(makeRanking(null, { results: "hidden" }));
  others(2);
  expect(paper()).toBe("1Juice Tea Coffee");
  expect(elements().filter((one, i) => one !== before[i])).toEqual([]);
  expect(document.activeElement).toBe(pick("Coffee"));
});

const ORDER_STAYS =
  "an order outlives a close that is taken back, a reload and another poll; it goes with a new round and with " +
  "another number of places";
test(ORDER_STAYS, () => {
  show(POLL);
  tap("Juice", "Tea");
  told({ status: "closed" });
  expect([paper(), document.querySelectorAll(".pick:enabled").length]).toEqual(["Tea Coffee Juice", 0]);
  told({ status: "open" });
  expect(paper()).toBe("1Juice 2Tea Coffee");
  reload();
  expect(paper()).toBe("1Juice 2Tea Coffee");
  show(BEST_TWO);
  show({ ...POLL, version: 9 });
  expect(paper()).toBe("1Juice 2Tea Coffee");
  told({ round: 2 });
  expect(paper()).toBe("Tea Coffee Juice");
  tap("Juice");
  told({ places: 2 });
  expect(paper()).toBe("Tea Coffee Juice");
});

test("once all places are taken back the dock says that the order which was sent counts", async () => {
  show(POLL);
  tap("Tea");
  await submit();
  tap("Tea");
  expect([paper(), button().disabled, document.querySelector(".told button")!.textContent.trim()]).toEqual([
    "Tea Coffee Juice",
    true,
    "Receipt",
  ]);
  expect(dock()).toContain("Counted");
  tap("Coffee");
  expect([dock(), document.querySelector(".told button")]).toEqual([
    expect.stringContaining("1 of 3 places given"),
    null,
  ]);
});

test("another order is another vote; the one that was counted stands where the next is late", async () => {
  phone.booth.answers = [receipt("counted"), problem(409)];
  show(POLL);
  tap("Tea", "Coffee");
  await submit();
  press("Coffee", "ArrowUp");
  expect([button().textContent, button().disabled]).toEqual(["Change my ranking", false]);
  await submit();
  expect([phone.booth.sent.map(({ answer }) => answer), paper()]).toEqual([
    [
      [1, 2],
      [2, 1],
    ],
    "1Tea 2Coffee Juice",
  ]);
  expect(dock()).toContain("Too late to change");
});

const SENT_AGAIN =
  "what was not answered goes again after a reload, under the same id and as a ranking, before the poll is known";
test(SENT_AGAIN, async () => {
  phone.booth.answers = [problem(503)];
  show(POLL);
  tap("Coffee", "Tea");
  await submit();
  phone.booth.answers = [receipt("counted")];
  reload();
  await pass(5_000);
  expect([phone.booth.ids, phone.booth.sent.at(-1)!.answer]).toEqual([1, [2, 1]]);
});

test("a paper that takes no order does not ask for one", () => {
  const fieldset = () => document.querySelector("fieldset")!;
  const asks = () => [fieldset().getAttribute("aria-describedby"), fieldset().matches(".fixed:has(> .how)")];
  show(POLL);
  expect(asks()).toEqual(["how", false]);
  told({ status: "closed" });
  expect(asks()).toEqual([null, true]);
});

test("where no ranking can be changed it says so, and the first one stands", async () => {
  show({ ...POLL, id: "0199aaaa-0000-7000-8000-000000000003", revote: "refuse" });
  tap("Coffee");
  expect(dock()).toContain("You can't change it afterwards.");
  await submit();
  expect([document.querySelectorAll(".pick:enabled").length, paper()]).toEqual([0, "1Coffee Tea Juice"]);
  expect(nudge("Coffee", "up").hidden).toBe(true);
});

test("the receipt says the order", async () => {
  show(POLL);
  tap("Coffee", "Tea");
  await submit();
  document.querySelector<HTMLButtonElement>(".told button")!.click();
  flushSync();
  const facts = [...document.querySelectorAll("dialog dl > div")].map((one) => plain(one.textContent));
  expect(facts[0]).toBe("Your ranking 1. Coffee\n2. Tea");
});

test("the room's ranks, points and means; the same for screen readers and as a table", () => {
  show(VOTED);
  expect(["Tea", "Coffee", "Juice"].map(score)).toEqual([
    "1 6 points mean 1.0",
    "2 4 points mean 2.0",
    "3 3 points mean 1.0",
  ]);
  expect(rows().map((one) => one.querySelector<HTMLElement>(".gauge span")!.style.transform)).toEqual([
    `scaleX(${6 / 9})`,
    `scaleX(${4 / 9})`,
    `scaleX(${3 / 9})`,
  ]);
  expect(plain(document.querySelector("#stands-2")!.textContent)).toBe(
    "Rank 2, 4 points, mean place 2.0, first places: 0",
  );
  const details = document.querySelector("details")!;
  details.open = true;
  details.dispatchEvent(new window.Event("toggle"));
  flushSync();
  expect([...document.querySelectorAll("tbody:first-of-type tr")].map((one) => plain(one.textContent))).toEqual([
    "Tea61.02",
    "1. × 22. × 03. × 0",
  ]);
});

test("equal points share a rank; before the first vote nobody has one", () => {
  show(
    makeRanking([
      [1, 1],
      [1, 1],
      [0, 0],
    ]),
  );
  expect(["Tea", "Coffee", "Juice"].map(score)).toEqual([
    "1 3 points mean 1.5",
    "1 3 points mean 1.5",
    "3 0 points mean –",
  ]);
  show({ ...POLL, id: "0199aaaa-0000-7000-8000-000000000004" });
  expect([score("Tea"), document.querySelector("#stands-1")!.textContent]).toEqual([
    "– 0 points mean –",
    "Nobody has ranked this yet",
  ]);
});

test("hidden numbers show nothing, and their place is kept", () => {
  show(makeRanking(null));
  expect([score("Tea").replaceAll("–", "").trim(), document.querySelector("#stands-1")!.textContent]).toEqual(["", ""]);
  expect([row("Tea").className, document.querySelector("details")]).toEqual(["", null]);
  expect(row("Tea").querySelector<HTMLElement>(".gauge span")!.style.transform).toBe("scaleX(0)");
  expect(summary(phone.room.poll!, kinds.of("ranking")!.lead(phone.room.poll!))).toBe("");
});

test("aloud: who leads, who has won, and that nobody does", () => {
  const said = (poll: RankingPoll) => plain(summary(poll, kinds.of("ranking")!.lead(poll)));
  expect(said(VOTED)).toBe("3 people have voted. Tea leads with 6 points.");
  expect(said({ ...VOTED, status: "closed", final: true })).toBe("3 people have voted. Tea has won with 6 points.");
  expect(
    said(
      makeRanking([
        [1, 0],
        [1, 0],
        [0, 2],
      ]),
    ),
  ).toBe("2 people have voted. Several are level.");
  expect(said(makeRanking([[1], [0]]))).toBe("1 person has voted. Tea leads with 1 point.");
  expect(said(POLL)).toBe("0 people have voted");
});

test.each<[Language, string]>([
  ["en", "1 6 points mean 1.0"],
  ["de", "1 6 Punkte Ø 1,0"],
  ["es", "1 6 puntos media 1,0"],
  ["hi", "1 6 अंक औसत 1.0"],
])("in %s figures are written as there", async (language, figures) => {
  await speech.use(language);
  show(VOTED);
  expect(score("Tea")).toBe(figures);
  expect(Object.keys(LANGUAGES)).toContain(language);
});
