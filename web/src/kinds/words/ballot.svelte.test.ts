// Tests words on the phone: which fields there are, what is written, pasted, sent, refused and kept, what the room has
// answered, and that nothing shows early.

import { flushSync } from "svelte";
import { expect, test } from "vitest";
import { pass, plain, problem, receipt } from "../../vote/fixture";
import { onPhone } from "../../vote/fixture-room.svelte";
import { kinds } from "../../vote/kinds.svelte";
import { summary } from "../../vote/results";
import { speech, type Language } from "../../vote/words.svelte";
import type { WordsPoll } from "../kind";
import { makeWords } from "./fixture";

const POLL = makeWords([]);
const HEARD = [
  ["Rust", 12],
  ["fast builds", 6],
  ["بناء سريع", 3],
] as const;

const phone = onPhone<WordsPoll>("words");
const { reload, show, told } = phone;
const one = <E extends HTMLElement = HTMLElement>(selector: string) => document.querySelector<E>(selector)!;
const all = <E extends HTMLElement = HTMLElement>(selector: string) => [...document.querySelectorAll<E>(selector)];
const fields = () => all<HTMLInputElement>(".slot input");
const stands = () => fields().map(({ value }) => value);
const field = (n: number) => fields()[n - 1]!;
const sends = () => one<HTMLButtonElement>(".wide");
const text = (node: Element | undefined | null) => plain(node?.textContent).replaceAll(/\s+/g, " ").trim();
const words = (selector: string) => text(one(selector));
const remarks = () => all(".remark").map(text);
const hints = () => fields().map((one) => one.enterKeyHint || one.getAttribute("enterkeyhint"));
const focused = () => fields().indexOf(document.activeElement as HTMLInputElement) + 1;
const rows = () => all(".board li").map((row) => `${row.classList.contains("self") ? "* " : ""}${text(row)}`);

function type(n: number, words: string) {
  field(n).focus();
  field(n).value = words;
  field(n).dispatchEvent(new InputEvent("input", { bubbles: true }));
  flushSync();
}
function enter(n: number, more: KeyboardEventInit = {}) {
  const event = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...more });
  field(n).dispatchEvent(event);
  flushSync();
  return event.defaultPrevented;
}
function paste(n: number, words: string, [from, to] = [field(n).value.length, field(n).value.length]) {
  field(n).setSelectionRange(from, to);
  const event = Object.assign(new Event("paste", { bubbles: true, cancelable: true }), {
    clipboardData: { getData: () => words },
  });
  field(n).dispatchEvent(event);
  flushSync();
  return event.defaultPrevented;
}
function leave() {
  one(".slots").dispatchEvent(new FocusEvent("focusout", { bubbles: true, relatedTarget: document.body }));
  flushSync();
}
async function submit() {
  one("form").dispatchEvent(new SubmitEvent("submit", { cancelable: true }));
  flushSync();
  await pass();
  flushSync();
}

test("one field is shown at first, and a next one when the one before has something in it, up to the most", () => {
  show(POLL);
  expect([stands(), words(".wide"), sends().disabled]).toEqual([[""], "Write a word first", true]);
  const first = field(1);
  type(1, "Rust");
  expect([stands(), words(".wide"), sends().disabled]).toEqual([["Rust", ""], "Send 1 word", false]);
  type(2, "Go");
  type(3, "Zig");
  expect([stands(), words(".wide"), field(1) === first]).toEqual([["Rust", "Go", "Zig"], "Send 3 words", true]);
  type(3, "");
  type(2, "");
  expect(stands(), "what was emptied makes no further field").toEqual(["Rust", ""]);
  expect(fields().map((one) => one.getAttribute("aria-label"))).toEqual(["Word 1 of 3", "Word 2 of 3"]);
});

test("each field says which it is, and how it is to be written in", () => {
  show(POLL);
  const [given] = fields();
  expect(
    ["dir", "autocapitalize", "autocorrect", "autocomplete", "spellcheck"].map((name) => given!.getAttribute(name)),
  ).toEqual(["auto", "none", "on", "off", "true"]);
  expect(one("fieldset").getAttribute("aria-labelledby")).toBe("question");
  show({ ...POLL, maxWords: 1 });
  expect(fields().map((one) => one.getAttribute("aria-label"))).toEqual(["Your word"]);
  type(1, "Rust");
  expect(stands()).toEqual(["Rust"]);
});

test("Enter leads to the next field, and from an empty one or the last it sends", async () => {
  show({ ...POLL, maxWords: 2 });
  expect(hints()).toEqual(["send"]);
  type(1, "Rust");
  expect(hints()).toEqual(["next", "send"]);
  expect([enter(1), focused(), phone.booth.sent]).toEqual([true, 2, []]);
  expect([enter(2), phone.booth.sent.length]).toEqual([true, 1]);
  await pass();
  expect(phone.booth.sent[0]).toMatchObject({ answer: ["Rust"] });
  flushSync();
  type(2, "Go");
  expect(hints()).toEqual(["next", "send"]);
  enter(2);
  await pass();
  expect(phone.booth.sent.at(-1)).toMatchObject({ answer: ["Rust", "Go"] });
});

test("an Enter that takes over what a keyboard suggests is none, and an empty paper sends nothing", async () => {
  show(POLL);
  type(1, "かわ");
  expect([enter(1, { isComposing: true }), focused()]).toEqual([false, 1]);
  expect([enter(1, { keyCode: 229 }), focused()]).toEqual([false, 1]);
  type(1, "");
  enter(1);
  await pass();
  expect(phone.booth.sent).toEqual([]);
});

test("an answer is a list of words without empty ones and needless spaces, and is there after a reload", async () => {
  show(POLL);
  type(1, "  fast   builds ");
  type(2, "Go");
  type(3, "Zig");
  type(2, " ");
  expect(stands(), "a field between others stays").toEqual(["  fast   builds ", " ", "Zig"]);
  reload();
  show(POLL);
  expect(stands(), "what was not sent").toEqual(["fast builds", "Zig", ""]);
  await submit();
  expect(phone.booth.sent[0]).toMatchObject({ answer: ["fast builds", "Zig"] });
  expect(phone.booth.sent[0]).not.toHaveProperty("optionIds");
  expect([words(".dock"), sends().disabled]).toEqual([expect.stringContaining("Counted"), true]);
  reload();
  show(POLL);
  expect(stands(), "what was sent").toEqual(["fast builds", "Zig", ""]);
  type(3, "a, b");
  expect([words(".wide"), sends().disabled]).toEqual(["Change to 3 words", false]);
});

test("words with a comma are not the same as two words", async () => {
  show(POLL);
  type(1, "a,b");
  await submit();
  type(1, "a");
  type(2, "b");
  expect(sends().disabled, "a,b was sent; a and b were not").toBe(false);
  await submit();
  expect(phone.booth.sent.map(({ answer }) => answer)).toEqual([["a,b"], ["a", "b"]]);
});

test("without a connection the words wait on the phone, also through a reload, and count once", async () => {
  show(POLL);
  phone.booth.answers = [problem(503), receipt("counted")];
  type(1, "Rust");
  await submit();
  expect(words(".dock")).toContain("Not through yet");
  expect(stands()).toEqual(["Rust", ""]);
  reload();
  show(POLL);
  expect(stands()).toEqual(["Rust", ""]);
  await pass(60_000);
  flushSync();
  expect([phone.booth.ids, words(".dock")]).toEqual([1, expect.stringContaining("Counted")]);
});

test("what is written while an answer is under way stays as it is when that is counted", async () => {
  show(POLL);
  let counts = () => {};
  phone.booth.answers = [
    (vote) =>
      new Promise((done) => {
        counts = () => done(receipt("counted")(vote));
      }),
  ];
  type(1, "Rust");
  await submit();
  expect(words(".dock")).toContain("Sending");
  type(2, "fast ");
  counts();
  await pass();
  flushSync();
  expect([stands(), words(".wide"), sends().disabled]).toEqual([["Rust", "fast ", ""], "Change to 2 words", false]);
});

test("fields that were emptied stay empty, and say that what was sent stands; it is there after a reload", async () => {
  show(POLL);
  type(1, "Rust");
  type(2, "Zig");
  await submit();
  type(2, "");
  expect([stands(), remarks(), words(".wide")]).toEqual([["Rust", ""], ["", ""], "Change to 1 word"]);
  const emptied = [[""], ["What you sent still stands"], "Write a word first", true];
  const now = () => [stands(), remarks(), words(".wide"), sends().disabled];
  type(1, " ");
  expect([remarks(), words(".wide")]).toEqual(emptied.slice(1, 3));
  leave();
  expect(now()).toEqual(emptied);
  expect(words(".dock")).toContain("Counted");
  enter(1);
  await pass();
  expect(phone.booth.sent.length).toBe(1);
  told({ status: "closed" });
  expect([stands(), remarks()]).toEqual([
    ["Rust", "Zig", ""],
    ["", "", ""],
  ]);
  told({ status: "open" });
  expect(now()).toEqual(emptied);
  reload();
  show(POLL);
  expect([stands(), remarks(), sends().disabled]).toEqual([["Rust", "Zig", ""], ["", "", ""], true]);
  type(2, "");
  type(1, "Go");
  leave();
  expect([stands(), words(".wide")]).toEqual([["Go", ""], "Change to 1 word"]);
});

test("what was sent, and is written or emptied again, gives way to what another page sends later", async () => {
  const elsewhere = (answer: string[]) => {
    const name = `pollux.ballot.${POLL.id}`;
    const kept = JSON.parse(localStorage.getItem(name)!);
    localStorage.setItem(name, JSON.stringify({ ...kept, sent: { ...kept.sent, answer } }));
    reload();
    show(POLL);
  };
  show(POLL);
  type(1, "first");
  await submit();
  type(1, "other");
  type(1, "first");
  elsewhere(["second"]);
  expect([stands(), words(".wide"), sends().disabled]).toEqual([["second", ""], "Change to 1 word", true]);
  type(1, "");
  leave();
  elsewhere(["third"]);
  expect(stands()).toEqual(["third", ""]);
  elsewhere(["fourth"]);
  expect([stands(), sends().disabled]).toEqual([["fourth", ""], true]);
});

test("after a refusal, what counts can be written again, and stands there without a fault", async () => {
  show(POLL);
  type(1, "Rust");
  await submit();
  phone.booth.answers = [refused(0)];
  type(1, "nonsense");
  await submit();
  type(1, "Rust");
  expect([stands(), remarks(), sends().disabled]).toEqual([["Rust", ""], ["", ""], true]);
});

test("the same word twice is said gently where it stands again, and stops nobody", async () => {
  show(POLL);
  type(1, "Rust");
  type(2, " RUST");
  expect([remarks(), field(2).getAttribute("aria-invalid"), words(".wide")]).toEqual([
    ["", "Same as word 1, counts once", ""],
    "false",
    "Send 1 word",
  ]);
  expect(
    field(2)
      .getAttribute("aria-describedby")!
      .split(" ")
      .map((id) => text(document.getElementById(id))),
  ).toEqual(["Same as word 1, counts once", ""]);
  await submit();
  expect(phone.booth.sent[0]).toMatchObject({ answer: ["Rust", "RUST"] });
});

test("near the end a field says how many characters are left, and then that it is too long, which is not sent", () => {
  show(POLL);
  const left = () => all(".remain").map(text);
  type(1, "a".repeat(29));
  expect(left()).toEqual(["", ""]);
  type(1, "a".repeat(30));
  expect(left()).toEqual(["10 characters left", ""]);
  type(1, "👨‍👩‍👧‍👦".repeat(1) + "a".repeat(38));
  expect(left(), "a family is one character").toEqual(["1 character left", ""]);
  type(1, "a".repeat(40));
  expect([left(), sends().disabled]).toEqual([["0 characters left", ""], false]);
  type(1, "a".repeat(41));
  expect([left(), remarks(), field(1).getAttribute("aria-invalid"), words(".wide"), sends().disabled]).toEqual([
    ["", ""],
    ["Too long, please shorten it", ""],
    "true",
    "Shorten what is too long",
    false,
  ]);
  type(1, "👨‍👩‍👧‍👦".repeat(7));
  expect([remarks()[0], words(".wide")], "175 bytes").toEqual([
    "Too long, please shorten it",
    "Shorten what is too long",
  ]);
  reload();
  show(POLL);
  expect([field(1).value, words(".wide")], "and is kept").toEqual(["👨‍👩‍👧‍👦".repeat(7), "Shorten what is too long"]);
  type(1, "short");
  expect([remarks(), words(".wide"), sends().disabled]).toEqual([["", ""], "Send 1 word", false]);
});

test("the button and Enter lead to the first field with a fault, wherever it is then, and send nothing", async () => {
  show({ ...POLL, maxWords: 4 });
  type(1, "Rust");
  type(2, "Zig");
  type(3, "a".repeat(41));
  type(4, "b".repeat(41));
  sends().focus();
  await submit();
  expect(focused()).toBe(3);
  type(2, "");
  enter(4);
  leave();
  await pass();
  expect([stands()[1], focused()], "the empty field is gone").toEqual(["a".repeat(41), 2]);
  expect(phone.booth.sent).toEqual([]);
  type(2, "a");
  await submit();
  expect(focused()).toBe(3);
  type(3, "b");
  await submit();
  expect(phone.booth.sent.map(({ answer }) => answer)).toEqual([["Rust", "a", "b"]]);
});

test("a pasted list is taken apart where there is room for all of it", async () => {
  show(POLL);
  expect([paste(1, "Rust, Go, Zig"), stands()]).toEqual([true, ["Rust", "Go", "Zig"]]);
  await pass();
  expect(focused()).toBe(3);
  expect([paste(2, "x\ny"), stands()], "no room").toEqual([false, ["Rust", "Go", "Zig"]]);
  type(3, "");
  type(2, "");
  expect([paste(1, "one\ntwo"), stands()], "behind what stays").toEqual([true, ["Rust", "one", "two"]]);
  type(3, "");
  type(2, "");
  expect([paste(1, "one\ntwo", [0, 4]), stands()], "over what is selected").toEqual([true, ["one", "two", ""]]);
  expect([paste(3, "one phrase"), paste(3, "a, b")], "an ordinary paste is the browser's").toEqual([false, false]);
});

const refused = (...at: number[]) =>
  problem(422, {}, { errors: at.map((n) => ({ pointer: `/answer/${n}`, detail: "was erased here" })) });

test("a word that the server refuses stays, is said at its field, and can be put right", async () => {
  show(POLL);
  type(1, "Rust");
  type(2, "nonsense");
  phone.booth.answers = [refused(1), receipt("counted")];
  await submit();
  expect([stands(), remarks()]).toEqual([
    ["Rust", "nonsense", ""],
    ["", "Please change this word", ""],
  ]);
  expect(fields().map((one) => one.getAttribute("aria-invalid"))).toEqual(["false", "true", "false"]);
  expect(words(".dock")).toContain("Not accepted “nonsense” cannot be used here.");
  await speech.use("de");
  flushSync();
  expect(words(".dock")).toContain("Nicht angenommen „nonsense“ ist hier nicht möglich.");
  await speech.use("en");
  flushSync();
  expect([words(".wide"), sends().disabled]).toEqual(["Please change this word", false]);
  field(1).focus();
  await submit();
  expect([focused(), phone.booth.sent.length]).toEqual([2, 1]);
  reload();
  show(POLL);
  expect([stands(), remarks()[1]]).toEqual([["Rust", "nonsense", ""], "Please change this word"]);
  type(2, "sense");
  expect([remarks(), sends().disabled]).toEqual([["", "", ""], false]);
  await submit();
  expect([phone.booth.sent.at(-1)!.answer, words(".dock")]).toEqual([
    ["Rust", "sense"],
    expect.stringContaining("Counted"),
  ]);
});

test("a refused change is said where it stands, and the words that count are in the receipt", async () => {
  show(POLL);
  type(1, "Rust");
  await submit();
  phone.booth.answers = [refused(0)];
  type(1, "nonsense");
  await submit();
  expect([stands(), remarks()[0]]).toEqual([["nonsense", ""], "Please change this word"]);
  const kind = kinds.of("words")!;
  expect([kind.yours(POLL), kind.yours({ ...POLL, maxWords: 1 }), kind.lines(POLL, ["Rust", "fast builds"])]).toEqual([
    "Your words",
    "Your word",
    ["Rust", "fast builds"],
  ]);
});

test("words and elements stay, whatever the others do; a new round begins with an empty paper", () => {
  show(POLL);
  type(1, "Rus");
  const before = all("form *");
  told({ ...makeWords(HEARD), version: 2 });
  told({ approve: true, version: 3 });
  expect([stands(), field(1) === before.find((one) => one === field(1)), focused()]).toEqual([["Rus", ""], true, 1]);
  expect(words(".promise")).toBe("Your words appear once the organiser has approved them.");
  told({ round: 2 });
  expect([stands(), sends().disabled]).toEqual([[""], true]);
});

test("a close takes no touch and hides no word; what was written is there again when it is taken back", async () => {
  show(POLL);
  type(1, "Rust");
  told({ status: "closed" });
  expect([stands(), fields().every(({ disabled }) => disabled)]).toEqual([[""], true]);
  told({ status: "open" });
  expect(stands()).toEqual(["Rust", ""]);
  await submit();
  told({ status: "closed" });
  expect([stands()[0], fields().every(({ disabled }) => disabled)]).toEqual(["Rust", true]);
});

test("where it cannot be changed the first answer stands", async () => {
  show({ ...POLL, revote: "refuse" });
  type(1, "Rust");
  expect([words(".wide"), stands()]).toEqual(["Send 1 word", ["Rust", ""]]);
  await submit();
  expect([stands(), fields().every(({ disabled }) => disabled)], "no empty field is left").toEqual([["Rust"], true]);
});

async function voted(given: string, poll: WordsPoll) {
  show({ ...poll, status: "open", final: false });
  type(1, given);
  await submit();
}

test("what others have sent leads nobody; after the vote it stands there, with one's own words marked", async () => {
  show(makeWords(HEARD));
  expect([one(".uttered").classList.contains("audible"), rows()]).toEqual([false, []]);
  await voted("FAST  builds", makeWords(HEARD));
  expect(one(".uttered").classList.contains("audible")).toBe(true);
  expect(rows()).toEqual(["Rust 12", "* fast builds ✓yours 6", "بناء سريع 3"]);
  expect(all(".board li").map((row) => row.style.getPropertyValue("--share"))).toEqual(["1", "0.5", "0.25"]);
  expect([words(".uttered > p"), all(".board bdi").length]).toEqual(["", 3]);
});

test("of many words thirty stand there, the others are told in one number, and the table has all", async () => {
  const many = Array.from({ length: 40 }, (_, i) => [`word ${i}`, 50 - i] as const);
  await voted("word 35", makeWords(many, { moreWords: 2, otherVotes: 3, unshownVotes: 4 }));
  expect([rows().length, all(".uttered > p").map(text)]).toEqual([
    30,
    ["and 12 more", "7 votes are for words not shown here."],
  ]);
  told({ ...makeWords(HEARD, { unshownVotes: 1 }) });
  expect(all(".uttered > p").map(text)).toEqual(["", "1 vote is for a word not shown here."]);
});

test("a row is a place: whatever rises, no row moves, and its words are written anew", async () => {
  await voted("Rust", makeWords(HEARD));
  const [first, second] = all(".board li");
  told({ ...makeWords([["fast builds", 20], ["Rust", 12]]), version: 9 }); // prettier-ignore
  expect([rows(), all(".board li")[0] === first, all(".board li")[1] === second]).toEqual([
    ["fast builds 20", "* Rust ✓yours 12"],
    true,
    true,
  ]);
});

test("whoever has not voted sees the words once the poll is closed; hidden ones show nothing", async () => {
  show(makeWords(HEARD, { status: "closed", final: true }));
  expect([rows(), one(".uttered").classList.contains("audible")]).toEqual([
    ["Rust 12", "fast builds 6", "بناء سريع 3"],
    true,
  ]);
  await voted("Rust", makeWords(null, { id: "0199aaaa-0000-7000-8000-000000000002" }));
  expect([rows(), one(".uttered").classList.contains("audible"), document.querySelector("details")]).toEqual([
    [],
    false,
    null,
  ]);
});

test("words are text, never HTML", async () => {
  await voted("<b>x</b>", makeWords([["<img src=x onerror=alert(1)>", 2]]));
  expect([rows(), document.querySelectorAll(".board img, .slots b").length]).toEqual([
    ["<img src=x onerror=alert(1)> 2"],
    0,
  ]);
});

test("the same as a table, and aloud what was sent most", () => {
  show(makeWords([...HEARD, ["Go", 3]], { totalVoters: 24 }));
  one("details").setAttribute("open", "");
  one("details").dispatchEvent(new Event("toggle"));
  flushSync();
  expect(all("tr").map((row) => [...row.children].map(text))).toEqual([
    ["Word", "People", "Share"],
    ["Rust", "12", "50%"],
    ["fast builds", "6", "25%"],
    ["بناء سريع", "3", "13%"],
    ["Go", "3", "13%"],
  ]);
  const said = (poll: WordsPoll) => plain(summary(poll, kinds.of("words")!.lead(poll)));
  expect(said(makeWords(HEARD, { totalVoters: 14 }))).toBe("14 people have voted. Most often: Rust (12)");
  expect(said(makeWords([["a", 2], ["b", 2]]))).toBe("4 people have voted. Most often: a, b (2)"); // prettier-ignore
  expect(said(makeWords(["a", "b", "c", "d"].map((text) => [text, 1] as const)))).toBe("4 people have voted");
  expect(said(POLL)).toBe("0 people have voted");
  expect(said(makeWords(null, { totalVoters: 3 }))).toBe("");
});

test.each<[Language, string, string, string]>([
  ["en", "Send up to 3 words or short phrases", "Word 1 of 3", "Send 2 words"],
  ["de", "Bis zu 3 Wörter oder kurze Ausdrücke senden", "Wort 1 von 3", "2 Wörter senden"],
  ["es", "Envía hasta 3 palabras o frases cortas", "Palabra 1 de 3", "Enviar 2 palabras"],
  ["hi", "3 तक शब्द या छोटे वाक्यांश भेजें", "शब्द 1, कुल 3", "2 शब्द भेजें"],
])("in %s", async (language, start, label, send) => {
  await speech.use(language);
  show(POLL);
  expect([words(".dock strong"), field(1).getAttribute("aria-label")]).toEqual([start, label]);
  type(1, "a");
  type(2, "b");
  expect(words(".wide")).toBe(send);
});
