// Tests that an event's colour is used only where it is legible.

import { expect, test } from "vitest";
import { contrast, legible } from "./accent.svelte";

test("contrast is that of WCAG", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
  expect(contrast("#767676", "#ffffff")).toBeCloseTo(4.54, 2);
  expect(contrast("#0b5cad", "#0b5cad")).toBe(1);
});

test("an accent is used where it can be read, in one theme or the other", () => {
  expect(legible("#0B5CAD", "light")).toEqual({ accent: "#0B5CAD", on: "#ffffff" });
  expect(legible("#0B5CAD", "dark")).toBe(null);
  expect(legible("#FFD500", "dark")).toEqual({ accent: "#FFD500", on: "#0f1218" });
  expect(legible("#FFD500", "light")).toBe(null);
});

test("what is no colour is none", () => {
  for (const none of [null, "", "red", "#fff", "#12345g", "url(x)"]) expect(legible(none, "light")).toBe(null);
});
