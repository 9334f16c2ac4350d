// Tests that when two write in one form nothing that either has saved is undone unseen.

import { expect, test } from "vitest";
import { adopted, clashes, kept, mergedRows, restored, touched, yielded, type Draft } from "./merge";

type Form = { title: string; at: string; after: number | null };
const GROUPS = [["at", "after"]] as const;
const BASE: Form = { title: "One", at: "", after: null };
const written = (mine: Partial<Form>): Draft<Form> => ({ mine: { ...BASE, ...mine }, server: BASE, since: {} });

test("what was not touched follows, what was touched stays, and what both have changed is said", () => {
  const own = adopted(written({ title: "Mine" }), { ...BASE, after: 60 }, GROUPS);
  expect([own.mine, clashes(own, GROUPS)]).toEqual([{ title: "Mine", at: "", after: 60 }, {}]);
  const both = adopted(own, { ...own.server, title: "Theirs" }, GROUPS);
  expect([both.mine.title, clashes(both, GROUPS)]).toEqual(["Mine", { title: "Theirs" }]);
  // The notice stays when they save something else, and goes when they take their change back.
  expect(clashes(adopted(both, { ...both.server, after: 90 }, GROUPS), GROUPS)).toEqual({ title: "Theirs" });
  expect(clashes(adopted(both, { ...both.server, title: "One" }, GROUPS), GROUPS)).toEqual({});
  const theirs = yielded(both, "title", GROUPS);
  expect([theirs.mine.title, touched(theirs, GROUPS), clashes(theirs, GROUPS)]).toEqual(["Theirs", [], {}]);
});

test("fields of a group are one: of two ways to close both are never set", () => {
  const both = adopted(written({ after: 60 }), { ...BASE, at: "10:00" }, GROUPS);
  expect([both.mine, clashes(both, GROUPS)]).toEqual([
    { ...BASE, after: 60 },
    { at: "10:00", after: null },
  ]);
  expect(yielded(both, "after", GROUPS).mine).toEqual({ ...BASE, at: "10:00" });
});

test("what is kept are the touched fields and their bases, over several reloads", () => {
  const first = kept(written({ title: "Mine" }), GROUPS);
  expect(first).toEqual({ mine: { title: "Mine" }, base: { title: "One" }, last: { ...BASE, title: "Mine" } });
  expect(restored(first, { title: "One", at: "", after: 5 }, GROUPS).mine).toEqual({ title: "Mine", at: "", after: 5 });
  const theirs = { ...BASE, title: "Theirs" };
  const again = kept(restored(first, theirs, GROUPS), GROUPS);
  expect(again).toEqual(first);
  expect(clashes(restored(again, theirs, GROUPS), GROUPS)).toEqual({ title: "Theirs" });
});

test.each([
  ["ab", "Ab", "abc", "Abc"],
  ["ab", "aB", "abc", "aBc"],
  ["ab", "Ab", "aC", "AC"],
  ["ab", "abx", "aby", "abyx"],
  ["ab", "abx", "abx", "abx"],
  ["abc", "ac", "abcd", "acd"],
  ["abc", "abc", "cab", "cab"],
  ["abc", "xabc", "abC", "xabC"],
  ["abcd", "abd", "Abcd", "Abd"],
  ["ab", "Ab", "Xb", null],
  ["abc", "ac", "aBc", null],
  ["ab", "ba", "abc", "bca"],
  ["abc", "bac", "acb", null],
])("rows: of %s one has made %s, the other %s", (was, mine, theirs, both) => {
  expect(mergedRows([...was], [...mine], [...theirs])?.join("") ?? null).toBe(both);
});
