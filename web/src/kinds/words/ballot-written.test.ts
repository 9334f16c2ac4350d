// Tests what stands in the fields of the ballot paper of words.

import { expect, test } from "vitest";
import { different, earlier, fit, pasted, shownOf, wordsIn } from "./ballot-written";

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
  expect([fit(["a".repeat(40), "b"]), fit(["b", "a".repeat(41)])]).toEqual([true, false]);
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
