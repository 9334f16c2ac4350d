// Tests the part of a poll's form that belongs to words, and its editor.

import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PollForm } from "../../studio/poll-form.svelte";
import { formOf, WAYS } from "../in-studio-form";
import type { WordsPoll } from "../kind";
import Editor from "./Editor.svelte";
import { makeWords } from "./fixture";
import { faultOf } from "./in-studio-form";

const DRAFT: WordsPoll = { ...makeWords([]), maxWords: 5, approve: true, status: "draft" };
let shown: object | null = null;
beforeEach(() => localStorage.clear());
afterEach(() => {
  if (shown) void unmount(shown);
  shown = null;
  document.body.replaceChildren();
});
function edit(form: PollForm) {
  shown = mount(Editor, { target: document.body, props: { form } });
  flushSync();
}
const one = <E extends HTMLElement = HTMLInputElement>(selector: string) => document.querySelector<E>(selector)!;
const words = (selector: string) => one(selector).textContent!.replaceAll(/\s+/g, " ").trim();

test("words are offered as a kind; a new poll takes three of each person, which appear at once", () => {
  expect(WAYS).toContainEqual(["words", "words"]);
  const form = new PollForm("new");
  form.question = "What comes to mind?";
  form.add("Pizza");
  form.kind = "words";
  expect(form.body(true)).toMatchObject({ kind: "words", maxWords: 3, approve: false, open: true });
  expect(Object.keys(form.body())).not.toContain("options");
  expect([form.most, form.rows.at(-1)!.text]).toEqual([0, "Pizza"]);
  form.own.maxWords = null;
  form.own.approve = true;
  expect(form.body()).toMatchObject({ maxWords: 3, approve: true });
});

test("drafts and copies keep both members, and what was touched alone is sent", () => {
  const draft = new PollForm("draft", DRAFT);
  expect([draft.changed, draft.own.maxWords, draft.own.approve]).toEqual([false, 5, true]);
  draft.own.maxWords = 1;
  expect(draft.patch()).toEqual({ maxWords: 1 });
  draft.own.maxWords = 5;
  draft.own.approve = false;
  expect(draft.patch()).toEqual({ approve: false });
  draft.keep();
  const again = new PollForm("draft", DRAFT);
  expect([again.own.approve, again.own.maxWords, again.restored]).toEqual([false, 5, true]);
  expect(new PollForm("copy", DRAFT, true).body()).toMatchObject({ kind: "words", maxWords: 5, approve: true });
  again.kind = "number";
  expect(again.patch()).toMatchObject({ kind: "number", min: 0 });
  expect(again.patch()).not.toHaveProperty("maxWords");
});

test("what somebody else has changed is said in words", () => {
  const { said, saidKind } = formOf("words");
  expect([3, 1, null].map((maxWords) => said.maxWords!({ maxWords }))).toEqual(["3 words", "1 word", "3 words"]);
  expect([true, false].map((approve) => said.approve!({ approve }))).toEqual(["only after approval", "at once"]);
  expect(saidKind("words", {})).toBe("words");
  const form = new PollForm("x", DRAFT);
  form.own.maxWords = 2;
  expect(form.adopt({ ...DRAFT, version: 2, maxWords: 4 })).toBe(true);
  expect(form.clashes).toMatchObject({ maxWords: 4 });
  form.yield("maxWords");
  expect([form.own.maxWords, form.changed]).toEqual([4, false]);
});

test("the form says which number of words the server would not take", () => {
  for (const right of [null, 1, 3, 10]) expect(faultOf(right), `${right}`).toBe("");
  for (const wrong of [0, 11, 2.5, -1, 1e9])
    expect(faultOf(wrong), `${wrong}`).toBe("Each person may send 1 to 10 words.");
});

test("the editor says it in place, and the server's words come first", () => {
  const form = new PollForm("new");
  form.kind = "words";
  edit(form);
  const [count, check] = [one("[type=number]"), one("[type=checkbox]")];
  expect([count.value, check.checked, words("#words-fault")]).toEqual(["3", false, ""]);
  expect(words("label")).toMatch(/^How many words may each person send\?/);
  expect(words("#approve-note")).toContain("appears at once");
  check.click();
  flushSync();
  expect([form.own.approve, words("#approve-note")]).toEqual([
    true,
    expect.stringContaining("until you let it through"),
  ]);
  form.own.maxWords = 12;
  flushSync();
  expect([words("#words-fault"), count.getAttribute("aria-invalid")]).toEqual([
    "Each person may send 1 to 10 words.",
    "true",
  ]);
  form.own.maxWords = 7;
  form.blame([
    { pointer: "/maxWords", detail: "is one too many" },
    { pointer: "/approve", detail: "must be true or false" },
  ]);
  flushSync();
  expect([words("#words-fault"), words("#approve-fault")]).toEqual(["is one too many", "must be true or false"]);
  form.own.maxWords = 6;
  flushSync();
  expect([words("#words-fault"), count.getAttribute("aria-invalid")]).toEqual(["", null]);
});
