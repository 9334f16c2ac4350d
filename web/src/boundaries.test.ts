// Tests the directions of imports. The three screens never import one another, and what they share imports
// none of them; a kind of poll has a part for each screen in its folder, which counts as that screen's. What a
// kind asks is known in its folder. The file also tests that no text becomes HTML.

import { readdirSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { expect, test } from "vitest";

const SCREENS = ["vote", "present", "studio"];

const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(ts|svelte)$/.test(name) && !name.includes("generated"))
  .map((name) => ({ name, text: readFileSync(join("src", name), "utf8") }));

/** The parts of a kind that belong to a screen, by how their files' names begin. */
const PARTS: [begins: RegExp, screen: string][] = [
  [/^(ballot|words)/i, "vote"],
  [/^(on-?stage|bars|columns)/i, "present"],
  [/^(in-?studio|editor)/i, "studio"],
];

/** Returns the screen that a file belongs to; undefined if it is shared. */
function screen(path: string): string | undefined {
  const [folder, ...rest] = path.split("/");
  if (SCREENS.includes(folder!)) return folder;
  return folder === "kinds" ? PARTS.find(([begins]) => begins.test(rest.at(-1)!))?.[1] : undefined;
}

/** Returns the files of `src` that a file imports. */
function imported({ name, text }: { name: string; text: string }): string[] {
  const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g)];
  return imports.map(([, path]) => normalize(join(name, "..", path!)));
}

test("screens do not import one another, and what is shared imports no screen", () => {
  expect(sources.length).toBeGreaterThan(20);
  const wrong = sources.flatMap((source) => {
    const own = screen(source.name);
    return imported(source)
      .filter((other) => ![undefined, own].includes(screen(other)))
      .map((other) => `${source.name} imports ${other}`);
  });
  expect(wrong).toEqual([]);
});

test("each kind of poll answers every screen from files of the same names", () => {
  const folders = readdirSync("src/kinds", { withFileTypes: true }).filter((one) => one.isDirectory());
  expect(folders.length).toBeGreaterThan(1);
  const wanted = [
    "kind.ts",
    "ballot.ts",
    "Ballot.svelte",
    "BallotTable.svelte",
    "words.ts",
    "on-stage.ts",
    "OnStage.svelte",
    "OnStageOutcome.svelte",
    "OnStageTable.svelte",
    "in-studio.ts",
    "in-studio-form.ts",
    "InStudio.svelte",
    "InStudioAhead.svelte",
    "Editor.svelte",
  ];
  for (const { name } of folders)
    expect(readdirSync(`src/kinds/${name}`), name).toEqual(expect.arrayContaining(wanted));
});

test("what a kind asks is known in its folder, and to few others", () => {
  const words = /\b(options?|optionIds?|maxChoices|statements?|scale|steps|budget|solution|median)\b/;
  // An element of HTML has the same name.
  const markup = /<\/?option\b/g;
  const product = ({ name }: { name: string }) => !/\.test\.ts$|fixture|^kinds\//.test(name);
  const lines = sources
    .filter(product)
    .map(({ name, text }) => ({
      name,
      found: text.split("\n").filter((line) => words.test(line.replaceAll(markup, ""))),
    }))
    .filter(({ found }) => found.length);
  // The API's shapes, the members of a vote, and what people are told of the options that lead.
  const MOST = 4;
  expect(lines.length, `these know a kind:\n${JSON.stringify(lines, null, 2)}`).toBeLessThanOrEqual(MOST);
});

test("numbers are written in one place, so that no two screens write one differently", () => {
  const ways = /NumberFormat|toFixed\(|toPrecision\(|style: "(percent|unit)"/;
  const found = sources
    .filter(({ name, text }) => ways.test(text) && !name.endsWith(".test.ts"))
    .map(({ name }) => name);
  expect(found).toEqual(["ui/writing.ts"]);
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
