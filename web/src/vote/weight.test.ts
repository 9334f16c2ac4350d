// Tests that the voter's page is small with its first poll: HTML, style, every script it loads, one language and
// the poll's kind, gzipped. The same is tested of what a further kind of poll adds to it.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FOLDERS } from "../kinds/folders";

/** The most that the page weighs with a first poll, of whichever kind. */
const MOST = 40 * 1024;
const MOST_OF_A_KIND = 8 * 1024;
const KINDS = readdirSync("src/kinds", { withFileTypes: true })
  .filter((one) => one.isDirectory())
  .map(({ name }) => name);

let built: string, linked: string[], onDemand: string[];
const weigh = (name: string) => statSync(join(built, `${name}.gz`)).size;
const read = (name: string) => readFileSync(join(built, name), "utf8");
const sum = (sizes: number[]) => sizes.reduce((a, b) => a + b, 0);
const isBallot = (name: string) => name.startsWith("assets/ballot-");
const ballotOf = (kind: string) => onDemand.find((name) => name.startsWith(`assets/ballot-${kind}-`))!;

beforeAll(() => {
  built = mkdtempSync(join(tmpdir(), "pollux-weight-"));
  execFileSync("node_modules/.bin/vite", ["build", "--outDir", built], {
    stdio: "pipe",
    env: { ...process.env, NODE_ENV: "production" },
  });
  linked = [...read("vote.html").matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, path]) => path!);
  const scripts = linked.filter((path) => path.endsWith(".js"));
  expect(scripts, "the page is one script").toHaveLength(1);
  onDemand = [...read(scripts[0]!).matchAll(/import\(`\.\/([^`]+)`\)|import\("\.\/([^"]+)"\)/g)].map(
    (found) => `assets/${found[1] ?? found[2]}`,
  );
}, 60_000);
afterAll(() => rmSync(built, { recursive: true }));

test.each(KINDS)("a first poll, in its heaviest language, keeps its budget: %s", (kind) => {
  // The page loads on demand the languages and kinds, and nothing else.
  const languages = onDemand.filter((name) => !isBallot(name));
  expect(languages).toHaveLength(readdirSync("src/vote/lang").length);
  const words = Object.entries(FOLDERS).flatMap(([word, folder]) => (folder === kind ? [word] : []));
  const page = Math.max(...words.map((word) => weigh(`vote.${word}.html`)));
  const total = page + sum(linked.map(weigh)) + Math.max(...languages.map(weigh)) + weigh(ballotOf(kind));
  console.info(`the voter's page with a ${kind}: ${total} bytes of ${MOST}`);
  expect(total).toBeLessThanOrEqual(MOST);
});

test("the page of each kind is the voter's page, and brings the kind's script along", () => {
  expect(new Set(Object.values(FOLDERS))).toEqual(new Set(KINDS));
  for (const [word, folder] of Object.entries(FOLDERS)) {
    const [before, brought, after] = read(`vote.${word}.html`).split(
      / *<link rel="modulepreload" crossorigin href="\/(.+)">\n/,
    );
    expect([brought, before! + after!], word).toEqual([ballotOf(folder), read("vote.html")]);
  }
});

test("the page links every style sheet, since what it loads on demand brings none", () => {
  const sheets = readdirSync(join(built, "assets")).filter((name) => name.endsWith(".css") && name.startsWith("vote"));
  const theirs = onDemand.filter((name) => /__vite|\.css/.test(read(name)));
  expect(sheets.map((name) => `assets/${name}`)).toEqual(linked.filter((path) => path.endsWith(".css")));
  expect(theirs).toEqual([]);
});

test("a further kind of poll is one file more, of at most 8 KiB", () => {
  const ballots = onDemand.filter(isBallot);
  expect(ballots.map((name) => name.split("-")[1]).sort()).toEqual(KINDS.sort());
  for (const name of ballots) {
    expect(read(name), "it needs nothing but the page's script").not.toMatch(/from\s*["']\.\/(?!vote-)/);
    console.info(`${name}: ${weigh(name)} bytes of ${MOST_OF_A_KIND}`);
    expect(weigh(name)).toBeLessThanOrEqual(MOST_OF_A_KIND);
  }
});
