// Who may import whom: the three screens never one another, what they share none of them; nobody turns text into
// HTML, and only one module knows tokens' places.

import { readdirSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { expect, test } from "vitest";

const SCREENS = ["vote", "present", "studio"];

const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(ts|svelte)$/.test(name) && !name.includes("generated"))
  .map((name) => ({ name, text: readFileSync(join("src", name), "utf8") }));

/** The folders of `src` that a file imports from. */
function folders({ name, text }: { name: string; text: string }): string[] {
  const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g)];
  return imports.map(([, path]) => normalize(join(name, "..", path!)).split("/")[0]!);
}

test("screens do not import one another, and what is shared imports no screen", () => {
  expect(sources.length).toBeGreaterThan(20);
  const wrong = sources.flatMap((source) => {
    const own = source.name.split("/")[0]!;
    return folders(source)
      .filter((other) => SCREENS.includes(other) && other !== own)
      .map((other) => `${source.name} imports from ${other}`);
  });
  expect(wrong).toEqual([]);
});

test("no text becomes HTML", () => {
  const ways = /\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/;
  const found = sources.filter(({ name, text }) => ways.test(text) && !name.endsWith(".test.ts"));
  expect(found.map(({ name }) => name)).toEqual([]);
});

test("no style stands in markup, where the policy would drop it", () => {
  const found = sources.filter(({ name, text }) => name.endsWith(".svelte") && /\sstyle=/.test(text));
  expect(found.map(({ name }) => name)).toEqual([]);
});
