// Tests that a voter keeps what they have in hand: nobody else's vote, no silence, no close that is taken
// back and no reload takes it.

import { flushSync } from "svelte";
import { expect, test } from "vitest";
import type { ChoicePoll } from "../kinds/kind";
import { makePoll, pass, problem, receipt } from "./fixture";
import { onPhone } from "./fixture-room.svelte";

const phone = onPhone<ChoicePoll>("single", "multiple");
const { reload, show, told } = phone;

const votes = (count: number) => {
  for (let i = 1; i <= count; i++) {
    told({
      totalVoters: i,
      totalVotes: i,
      options: phone.room.poll!.options.map((option) => ({ ...option, votes: i })),
    });
  }
};

const DAYS = makePoll([0, 0, 0], { kind: "multiple", maxChoices: 2 });
const OTHER = makePoll([0, 0], { id: "0199aaaa-0000-7000-8000-000000000002", question: "And then?" });
const ONCE = makePoll([0, 0, 0], { revote: "refuse" });

const find = <E extends HTMLElement>(selector: string) => document.querySelector<E>(selector)!;
const box = (id: number) => find<HTMLInputElement>(`input[value="${id}"]`);
const marked = () =>
  [...document.querySelectorAll<HTMLInputElement>("fieldset input:checked")].map(({ value }) => Number(value));
function press(key: string) {
  dispatchEvent(new KeyboardEvent("keydown", { key }));
}
function tap(id: number) {
  box(id).click();
  flushSync();
}
/** Moves to this option with the arrow keys, which marks it. */
function walk(id: number) {
  press("ArrowDown");
  tap(id);
  dispatchEvent(new KeyboardEvent("keyup"));
}
const words = () => find("[role=status]").textContent;
async function submit() {
  find<HTMLFormElement>("form").dispatchEvent(new SubmitEvent("submit", { cancelable: true }));
  flushSync();
  await pass();
  flushSync();
}

test("marks stay, and so does every element, whatever the others do; then they are sent", async () => {
  show(DAYS);
  tap(1);
  tap(3);
  const elements = () => [...document.querySelectorAll("form, form *")];
  const before = elements();
  box(3).focus();
  votes(5);
  told({
    results: "hidden",
    totalVoters: null,
    totalVotes: null,
    options: DAYS.options.map((option) => ({ ...option, votes: null })),
  });
  told({ results: "live", revealed: true, options: DAYS.options });
  told({ version: 1 });
  expect(marked()).toEqual([1, 3]);
  expect(elements().filter((one, i) => one !== before[i])).toEqual([]);
  expect(document.activeElement).toBe(box(3));
  expect(find<HTMLButtonElement>(".wide").disabled).toBe(false);
  await submit();
  expect(phone.booth.sent.map(({ optionIds }) => optionIds)).toEqual([[1, 3]]);
});

test("a choice that is marked by keyboard waits for Enter", async () => {
  show(OTHER);
  walk(2);
  votes(5);
  expect([marked(), phone.booth.sent.length]).toEqual([[2], 0]);
  expect(find(".dock").textContent).toContain("Not sent yet");
  await submit();
  expect(phone.booth.sent[0]!.optionIds).toEqual([2]);
});

test("a close that is taken back gives the marks back, and the focus; meanwhile they cannot be sent", async () => {
  show(DAYS);
  tap(1);
  tap(2);
  find(".wide").focus();
  told({ status: "closed" });
  expect([marked(), find(".wide").hidden]).toEqual([[], true]);
  await submit();
  expect(phone.booth.sent).toEqual([]);
  // A browser takes the focus from what is hidden or cannot be used.
  document.body.append(document.createElement("input"));
  find("body > input").focus();
  find("body > input").remove();
  expect(document.activeElement).toBe(document.body);
  told({ status: "open" });
  expect([marked(), find(".wide").hidden]).toEqual([[1, 2], false]);
  expect(document.activeElement).toBe(find(".wide"));
  await submit();
  expect(phone.booth.sent[0]!.optionIds).toEqual([1, 2]);
});

test("marks are there again when the stage comes back, and when the page is loaded anew", () => {
  show(DAYS);
  tap(2);
  tap(3);
  show(OTHER);
  expect(marked()).toEqual([]);
  show(DAYS);
  expect(marked()).toEqual([2, 3]);
  reload();
  expect(marked()).toEqual([2, 3]);
  tap(2);
  reload();
  expect(marked()).toEqual([3]);
});

test("marks that a page of an earlier release kept are there again", () => {
  const paper = JSON.stringify([
    DAYS.kind,
    DAYS.maxChoices,
    DAYS.revote,
    DAYS.options.map(({ id, text }) => [id, text]),
  ]);
  sessionStorage.setItem(`pollux.draft.${DAYS.id}`, JSON.stringify({ paper: `1 ${paper}`, optionIds: [2, 3] }));
  reload();
  show(DAYS);
  expect(marked()).toEqual([2, 3]);
});

test("marks go with a new round, also one that began while nobody looked", () => {
  show(DAYS);
  tap(1);
  told({ round: 2 });
  expect(marked()).toEqual([]);
  tap(2);
  show(OTHER);
  show({ ...DAYS, round: 3 });
  expect(marked()).toEqual([]);
});

test.each<[string, Partial<ChoicePoll>]>([
  ["options", { options: DAYS.options.slice(1).map((option, i) => ({ ...option, id: i + 1 })) }],
  ["a limit", { maxChoices: 1 }],
  ["rules", { revote: "refuse" }],
])("marks go with a poll that has got other %s, and the new paper is shown", (_, change) => {
  show(DAYS);
  tap(1);
  told(change);
  const texts = [...document.querySelectorAll("label .text")].map((text) => text.textContent);
  expect([marked(), texts]).toEqual([[], phone.room.poll!.options.map(({ text }) => text)]);
  votes(2);
  tap(2);
  expect(marked()).toEqual([2]);
});

test("marks go once they are sent: what is shown then is what counts", async () => {
  phone.booth.answers = [receipt("counted"), problem(409)];
  show(DAYS);
  tap(1);
  await submit();
  tap(1);
  tap(2);
  await submit();
  expect([marked(), phone.booth.sent.map(({ optionIds }) => optionIds)]).toEqual([[1], [[1], [2]]]);
  reload();
  expect(marked()).toEqual([1]);
});

test.each<[string, ChoicePoll, number[]]>([
  ["several marks", DAYS, [1, 3]],
  ["a choice of one tap", OTHER, [2]],
  ["one that binds", ONCE, [3]],
])("%s, sent and overtaken by the close: on the paper again once the poll is open again", async (_, poll, marks) => {
  phone.booth.answers = [problem(409), receipt("counted")];
  show({ ...poll, phase: 1 });
  marks.forEach(tap);
  await submit();
  // The phone may hear of the close after its vote did.
  expect([marked(), words()]).toEqual([[], expect.stringContaining("Too late to be counted")]);
  told({ status: "closed", phase: 2 });
  expect([marked(), words()]).toEqual([[], expect.stringContaining("Too late to be counted")]);
  reload();
  told({ status: "open", phase: 3 });
  expect([marked(), phone.booth.sent.length]).toEqual([marks, 1]);
  expect(words()).not.toContain("Too late");
  await submit();
  expect(phone.booth.sent.map(({ optionIds }) => optionIds)).toEqual([marks, marks]);
  told({ status: "closed", phase: 4 });
  told({ status: "open", phase: 5 });
  expect([marked(), words()]).toEqual([marks, expect.stringContaining("Counted")]);
});

test("of what was sent too late nothing is left in a new round, nor after other marks", async () => {
  phone.booth.answers = [problem(409)];
  show({ ...DAYS, phase: 1 });
  tap(1);
  await submit();
  told({ status: "closed", phase: 2 });
  told({ status: "open", phase: 3, round: 2 });
  expect(marked()).toEqual([]);
  tap(2);
  await submit();
  tap(3);
  told({ status: "closed", phase: 4 });
  told({ status: "open", phase: 5 });
  expect(marked()).toEqual([3]);
});

test("where no vote can be taken back, a touch marks and a second one sends", async () => {
  show(ONCE);
  tap(2);
  votes(3);
  tap(1);
  await pass(1_000);
  expect([marked(), phone.booth.sent]).toEqual([[1], []]);
  expect(find(".dock").textContent).toContain("You can't change it afterwards.");
  find("form button:not([type])").click();
  await pass();
  flushSync();
  expect([marked(), phone.booth.sent.map(({ optionIds }) => optionIds)]).toEqual([[1], [[1]]]);
  expect(document.querySelectorAll("fieldset input:enabled")).toHaveLength(0);
});

test("everywhere else one touch is enough", async () => {
  show(OTHER);
  tap(2);
  await pass();
  expect(phone.booth.sent.map(({ optionIds }) => optionIds)).toEqual([[2]]);
});

test("a table that is open stays open when the numbers are hidden and shown again", () => {
  show(OTHER);
  votes(1);
  const details = () => find<HTMLDetailsElement>("details");
  details().open = true;
  details().dispatchEvent(new Event("toggle"));
  flushSync();
  const row = find("td");
  votes(3);
  expect(find("td")).toBe(row);
  told({ totalVotes: null });
  expect(details()).toBe(null);
  votes(1);
  expect([details().open, document.querySelectorAll("tbody tr").length]).toEqual([true, 2]);
});

test("what is said aloud is said once: votes that change none of its words leave it as it is", async () => {
  show(OTHER);
  tap(1);
  votes(1);
  await pass(12_000);
  flushSync();
  const texts = (of: Node): Node[] =>
    [...of.childNodes].flatMap((node) => (node.nodeType === Node.TEXT_NODE ? node : texts(node)));
  const said = () =>
    ["p[aria-live]", ".dock [role=status]"]
      .flatMap((region) => texts(find(region)))
      .filter((one) => one.textContent?.trim());
  const before = said();
  expect(before.map(({ textContent }) => textContent)).toEqual([
    "1 vote. Several are level.",
    "Counted",
    expect.stringContaining("Another tap"),
  ]);
  for (let i = 0; i < 5; i++) told();
  await pass(30_000);
  flushSync();
  expect(said().length).toBe(before.length);
  said().forEach((one, i) => expect(one).toBe(before[i]));
});

test("a receipt that somebody reads stays open: through votes, a new round, and the next question", async () => {
  show(OTHER);
  tap(1);
  await pass();
  flushSync();
  find('[type="button"]').click();
  flushSync();
  const dialog = find<HTMLDialogElement>("dialog");
  expect(dialog.open).toBe(true);
  votes(3);
  told({ round: 2 });
  show(DAYS);
  expect(find("dialog")).toBe(dialog);
  expect(dialog.open).toBe(true);
  expect(dialog.textContent).toContain(phone.booth.sent[0]!.ballotId);
  expect(dialog.textContent).toContain("One");
  dialog.close();
  flushSync();
  expect(find("dialog")).toBe(null);
});

test("a receipt that is closed gives the focus back to its button, or to the question where that is gone", async () => {
  show(OTHER);
  tap(1);
  await pass();
  flushSync();
  const button = find('[type="button"]');
  const closed = async () => {
    find<HTMLDialogElement>("dialog").close();
    await pass(50);
    flushSync();
  };
  button.click();
  flushSync();
  await closed();
  expect(document.activeElement).toBe(button);
  button.click();
  flushSync();
  show(DAYS);
  await closed();
  expect(document.activeElement).toBe(find("h1"));
});

test("a choice of language that is open stays, whatever comes on stage", () => {
  show(OTHER);
  const select = find<HTMLSelectElement>("footer select");
  select.focus();
  show(DAYS);
  expect(find("footer select")).toBe(select);
  expect(document.activeElement).toBe(select);
});

test("a code that is being typed stays when the room is there again, and leads on", async () => {
  phone.room.gone = { title: "No such poll" };
  flushSync();
  const field = find<HTMLInputElement>("#code");
  field.value = "48";
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  flushSync();
  phone.room.gone = null;
  show(OTHER);
  expect(find("#code")).toBe(field);
  expect(field.value).toBe("48");
  phone.room.gone = { title: "No such poll" };
  flushSync();
  field.value = "482 913";
  phone.booth.fate = () =>
    Response.json({ id: "e", title: "Event", current: OTHER.id, lone: false, version: 1, polls: [] });
  await submit();
  expect(phone.room.again).toHaveBeenCalledOnce();
  phone.room.gone = null;
  flushSync();
  expect(find("h1").textContent).toBe("And then?");
});
