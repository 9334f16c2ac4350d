// Tests that the screens keep, compare and count texts as the server does.

import { expect, test } from "vitest";
import examples from "../../../crates/core/tests/texts.json";
import { keyOf, lengthOf, normal } from "./text";

test("the server's examples are kept, compared and counted as they say", () => {
  expect(examples.length).toBeGreaterThan(40);
  for (const { why, given, text, key, count } of examples) {
    expect(normal(given), why).toBe(text);
    expect(keyOf(given), why).toBe(key);
    expect(lengthOf(given), why).toBe(count);
    expect([normal(text), keyOf(key), keyOf(text)], why).toEqual([text, key, key]);
  }
});

test("every character that Unicode does not draw makes no difference", () => {
  const unseen: number[] = [];
  for (let code = 0x80; code < 0x110000; code++)
    if ((code < 0xd800 || code > 0xdfff) && keyOf(`a${String.fromCodePoint(code)}b`) === "ab") unseen.push(code);
  const inUnicode = unseen.filter((code) => /\p{Default_Ignorable_Code_Point}/u.test(String.fromCodePoint(code)));
  expect(unseen.length - inUnicode.length, "U+FFF9 to U+FFFB").toBe(3);
  // As many as the ranges in crates/core/src/text.rs have.
  expect(unseen.length).toBe(4177);
}, 60_000);
