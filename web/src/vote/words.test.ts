// Tests that every language says everything, in the forms that it has.

import { afterEach, expect, test, vi } from "vitest";
import { FOLDERS } from "../kinds/folders";
import de from "./lang/de";
import en from "./lang/en";
import es from "./lang/es";
import hi from "./lang/hi";
import { withoutStorage } from "./fixture";
import { LANGUAGES, number, percent, preferred, say, span, speech, type Language, type Words } from "./words.svelte";

const ALL: Record<Language, Words> = { en, de, es, hi };
const KINDS = import.meta.glob<{ WORDS: typeof ALL }>("../kinds/*/words.ts", { eager: true });
/** The page's own words and those of each kind: language, whose they are, the words, and the same in English. */
const EVERY = [
  ["the page", ALL] as const,
  ...Object.entries(KINDS).map(([of, { WORDS }]) => [of, WORDS] as const),
].flatMap(([of, all]) => Object.entries(all).map(([language, words]) => [language, of, words, all.en] as const));
/** Returns the {names} of a text. */
const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]!).sort();
const forms = (text: Words[string]) => (typeof text === "string" ? [text] : Object.values(text));

test("each kind of poll has words in every language", () => {
  const folders = [...new Set(Object.values(FOLDERS))].sort();
  expect(Object.keys(KINDS)).toEqual(folders.map((folder) => `../kinds/${folder}/words.ts`));
  for (const { WORDS } of Object.values(KINDS)) expect(Object.keys(WORDS)).toEqual(Object.keys(ALL));
});

afterEach(() => {
  vi.unstubAllGlobals();
  localStorage.clear();
  return speech.use("en");
});

test.each(EVERY)("%s has exactly the keys of English, for %s", (_, _of, words, english) => {
  expect(Object.keys(words)).toEqual(Object.keys(english));
});

test.each(EVERY)(
  "%s has a form for each of its plural categories, and no other, for %s",
  (language, _of, words, english) => {
    const wanted = new Intl.PluralRules(language).resolvedOptions().pluralCategories.toSorted();
    for (const [key, text] of Object.entries(words)) {
      const plain = typeof english[key] === "string";
      expect(typeof text === "string", key).toBe(plain);
      if (typeof text !== "string") expect(Object.keys(text).sort(), key).toEqual(wanted);
    }
  },
);

test.each(EVERY)("%s fills in the same values, and leaves nothing empty, for %s", (_, _of, words, english) => {
  for (const [key, text] of Object.entries(words)) {
    const expected = new Set(forms(english[key]!).flatMap(names));
    for (const form of forms(text)) {
      expect(form.trim(), key).not.toBe("");
      for (const name of names(form)) expect(expected, key).toContain(name);
    }
    // At least one form says each value: the form "one" may do without its number.
    expect(new Set(forms(text).flatMap(names)), key).toEqual(expected);
  }
});

test("each language is named in itself", () => {
  expect(Object.keys(LANGUAGES)).toEqual(Object.keys(ALL));
});

test.each([
  ["en", ["1 vote", "1,234 votes", "48%"]],
  ["de", ["1 Stimme", "1.234 Stimmen", "48\u00a0%"]],
  ["es", ["1 voto", "1234 votos", "48\u00a0%"]],
  ["hi", ["1 वोट", "1,234 वोट", "48%"]],
] as const)("%s: plurals, numbers, shares and spans of time", async (language, expected) => {
  await speech.use(language);
  expect(document.documentElement.lang).toBe(language);
  const said = [say("votes", { n: 1 }), say("votes", { n: 1234 }), percent(0.48)];
  expect(said.map((text) => text.replaceAll(/[\u202f]/g, "\u00a0"))).toEqual(expected);
  expect([percent(0.997), percent(0.004)].map((text) => text.replace(/[\s,.%]/g, ""))).toEqual(["99", "04"]);
  expect(span(34)).toContain("34");
  expect(span(125)).toMatch(/^2\D/);
});

test("a million is a form of its own in Spanish", async () => {
  await speech.use("es");
  expect(say("votes", { n: 1_000_000 })).toBe("1.000.000 de votos");
  expect(number(1_000_000)).toBe("1.000.000");
});

test("what people wrote is isolated from the words around it", () => {
  expect(say("backTo", { title: "مرحبا" })).toBe("Back to \u2068مرحبا\u2069");
});

test("the browser's first language that there is; what was chosen goes before", async () => {
  expect(preferred(["fr-CH", "de-CH", "en"])).toBe("de");
  expect(preferred(["fr", "ja"])).toBe("en");
  expect(preferred(["constructor", "__proto__"])).toBe("en");
  await speech.choose("hi");
  expect(preferred(["de"])).toBe("hi");
});

test("storage that throws costs the memory only", async () => {
  withoutStorage();
  await speech.choose("de");
  expect(say("vote")).toBe("Abstimmen");
  expect(preferred(["es"])).toBe("es");
});
