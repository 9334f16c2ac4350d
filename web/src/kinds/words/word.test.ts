// Tests what a word is on the screens: its length, when two are one, how lists are taken apart, and what stands in the
// fields of the paper.

import { expect, test } from "vitest";
import { different, earlier, fit, pasted, shownOf, wordsIn } from "./ballot-written";
import { foldOf, left, parted } from "./word";
import shared from "./kind";
import { makeWords } from "./fixture";

test("words that differ in case, width, spaces or normal form count as one; accents stay", () => {
  for (const [one, other] of [
    ["Rust", "rUST"],
    ["Straße", "STRASSE"],
    ["STRAẞE", "strasse"],
    ["ﬁne", "FINE"],
    ["Ｒｕｓｔ", "rust"],
    ["  fast   builds ", "Fast builds"],
    ["Crème", "CRE\u0300ME"],
    ["ΣΊΣΥΦΟΣ", "σίσυφος"],
    ["ǅ", "ǆ"],
    ["İstanbul", "i\u0307stanbul"],
    ["co\u00adop", "COOP"],
  ] as const)
    expect(foldOf(one), `${one} and ${other}`).toBe(foldOf(other));
  for (const [one, other] of [
    ["creme", "crème"],
    ["ı", "i"],
    ["rust", "rusty"],
    ["а", "a"],
  ] as const)
    expect(foldOf(one), `${one} and ${other}`).not.toBe(foldOf(other));
});

test("a word has 40 characters as people count them, and 160 bytes", () => {
  const family = "👨‍👩‍👧‍👦";
  expect([left(""), left("a".repeat(40)), left("a".repeat(41)), left(` ${"é".repeat(40)} `)]).toEqual([40, 0, -1, 0]);
  expect([left(family), left(family.repeat(6)), left(family.repeat(7))]).toEqual([39, 34, -1]);
  expect([left("語".repeat(40)), left("e\u0301".repeat(40))]).toEqual([0, 0]);
  expect([left("🦀".repeat(40)), left("🦀".repeat(42))]).toEqual([0, -2]);
  expect([fit(["a".repeat(40), "b"]), fit(["b", "a".repeat(41)])]).toEqual([true, false]);
});

test("a pasted list is lines or cells, or what stands between commas of any script", () => {
  expect(parted("a, b, c")).toEqual(["a", "b", "c"]);
  expect(parted("one\n two \n\nthree")).toEqual(["one", "two", "three"]);
  expect(parted("• Rust\n• Go, too")).toEqual(["Rust", "Go, too"]);
  expect(parted("red\tgreen")).toEqual(["red", "green"]);
  expect(parted("山、川，海；空")).toEqual(["山", "川", "海", "空"]);
  expect(parted("أ، ب")).toEqual(["أ", "ب"]);
  expect(parted("fast builds")).toEqual(["fast builds"]);
  expect(parted("a,, ,b,")).toEqual(["a", "b"]);
  expect(parted(" \n ")).toEqual([]);
});

test("one field is shown, and one more for each that has something in it, up to the most", () => {
  expect(shownOf([], 3)).toEqual([""]);
  expect(shownOf(["a"], 3)).toEqual(["a", ""]);
  expect(shownOf(["a", "b"], 3)).toEqual(["a", "b", ""]);
  expect(shownOf(["a", "b", "c"], 3)).toEqual(["a", "b", "c"]);
  expect(shownOf(["a"], 1)).toEqual(["a"]);
  expect(shownOf([" ", "\u200b"], 3), "what nobody sees is nothing").toEqual([" "]);
  expect(shownOf(["", "b", ""], 3), "a field that was emptied stays before others").toEqual(["", "b", ""]);
});

test("words are sent without empty fields and spaces, and the same word is known by the first one", () => {
  expect(wordsIn(["  a  b ", "", "c\u200b"])).toEqual(["a b", "c"]);
  const fields = ["Rust", "", "RUST ", "", "go"];
  expect(fields.map((_, i) => earlier(fields, i))).toEqual([null, null, 0, null, null]);
  expect([different(["Rust", "rust", "Go"]), different([])]).toEqual([2, 0]);
});

test("a pasted list goes into its field, or behind what stays there; without room for all it is no list", () => {
  expect(pasted([""], 0, false, "a, b, c", 3)).toEqual({ fields: ["a", "b", "c"], last: 2 });
  expect(pasted(["x", ""], 0, true, "a, b", 3)).toEqual({ fields: ["x", "a", "b"], last: 2 });
  expect(pasted(["x", "y", ""], 0, false, "a, b", 3)).toEqual({ fields: ["a", "b", "y"], last: 1 });
  expect(pasted(["x", "y", ""], 2, false, "a, b", 3)).toBeNull();
  expect(pasted([""], 0, false, "a, b, c, d", 3)).toBeNull();
  expect(pasted([""], 0, false, "one phrase", 3)).toBeNull();
});

test("on every screen a poll of words has no rows, all its votes in one slot, and nothing that is ranked", () => {
  const poll = makeWords([["Rust", 3], ["Go", 2]], { otherVotes: 1, unshownVotes: 4 }); // prettier-ignore
  expect([shared.rows(poll), shared.slots(poll), shared.ranked(poll)]).toEqual([[], [10], []]);
  expect(shared.slots(makeWords(null))).toEqual([0]);
});
