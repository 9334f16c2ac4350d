// Tests what a word is on every screen: its length, when two are one, and how lists are taken apart.

import { expect, test } from "vitest";
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

test("on every screen a poll of words has no rows, all its votes in one slot, and nothing that is ranked", () => {
  const poll = makeWords([["Rust", 3], ["Go", 2]], { otherVotes: 1, unshownVotes: 4 }); // prettier-ignore
  expect([shared.rows(poll), shared.slots(poll), shared.ranked(poll)]).toEqual([[], [10], []]);
  expect(shared.slots(makeWords(null))).toEqual([0]);
});
