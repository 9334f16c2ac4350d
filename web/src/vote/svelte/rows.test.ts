// Tests the shorter form of Svelte's lists and branches, as the voter's page has it: rows and branches come, go and
// move as they are asked to, and an element that need not change stays the same. The sources of the page need nothing
// that the shorter form leaves out.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, type AST } from "svelte/compiler";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Row } from "./fixture-rows.svelte";

let built: string;
let show: (rows: Row[], branch?: string) => void;
const target = document.createElement("main");
const words = (elements: string) => [...target.querySelectorAll(elements)].map((one) => one.textContent);

beforeAll(async () => {
  built = mkdtempSync(join(tmpdir(), "pollux-rows-"));
  execFileSync(
    "node_modules/.bin/vite",
    ["build", "--config", "src/vote/svelte/fixture.vite.ts", "--outDir", built, "--logLevel", "warn"],
    { stdio: "pipe", env: { ...process.env, NODE_ENV: "production" } },
  );
  const script = readdirSync(built).find((name) => /\.m?js$/.test(name))!;
  const made = await import(
    /* @vite-ignore */ `data:text/javascript;base64,${readFileSync(join(built, script), "base64")}`
  );
  document.body.append(target);
  made.begin(target);
  show = made.show;
}, 60_000);
afterAll(() => rmSync(built, { recursive: true }));

/** Returns numbers that look random and are the same each time. */
function numbers(seed: number) {
  return (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
}

test("rows come, go and move as the list asks, each with its own element, and texts follow", () => {
  const random = numbers(7);
  let elements = new Map<number, Element>();
  for (let round = 0; round < 400; round++) {
    const ids = Array.from({ length: 12 }, (_, id) => id).filter(() => random(3));
    for (let i = ids.length - 1; i > 0 && round % 3; i--) {
      const j = random(i + 1);
      [ids[i], ids[j]] = [ids[j]!, ids[i]!];
    }
    const rows = random(12) ? ids.map((id) => ({ id, text: `${id + random(2)}` })) : [];
    show(rows);
    const texts = rows.map(({ text }) => text);
    expect(words("li")).toEqual(texts.map((text, i) => `${i} ${text}`));
    expect(words("u")).toEqual(texts);
    const inline = texts.map((text) => (text.length > 1 ? text + text : text)).join("");
    expect(words("p")[0]!.trim()).toBe(`before ${inline} after`);
    const now = new Map(rows.map(({ id }, i) => [id, target.querySelectorAll("li")[i]!]));
    for (const [id, element] of now) if (elements.has(id)) expect(element, `round ${round}`).toBe(elements.get(id));
    elements = now;
  }
});

test("of rows that change places few elements move, so that the others keep the focus and a finger", () => {
  const rows = Array.from({ length: 8 }, (_, id) => ({ id, text: `${id}` }));
  const moved = (ids: number[]) => {
    show(rows);
    const list = target.querySelector("ol")!;
    const seen = new Set<string>();
    const watch = new MutationObserver(() => {});
    watch.observe(list, { childList: true });
    show(ids.map((id) => rows[id]!));
    for (const { addedNodes } of watch.takeRecords())
      addedNodes.forEach((node) => seen.add(node.textContent!.slice(2)));
    return [...seen];
  };
  expect(moved([0, 1, 2, 3, 4, 5, 6, 7])).toEqual([]);
  expect(moved([1, 2, 3, 4, 5, 6, 7, 0])).toEqual(["0"]);
  expect(moved([7, 0, 1, 2, 3, 4, 5, 6])).toEqual(["7"]);
  expect(moved([0, 1, 3, 4, 2, 5, 6, 7])).toEqual(["2"]);
  expect(moved([0, 1, 5, 2, 3, 4, 6, 7])).toEqual(["5"]);
  expect(moved([0, 2, 1, 3, 4, 5, 6, 7])).toEqual(["1"]);
  expect(moved([0, 1, 2, 4, 5, 6, 7])).toEqual([]);
});

test("a branch is created when its key comes, also one that is undefined, and the one before is gone", () => {
  show([], undefined);
  expect([words("em"), words("s")]).toEqual([["none"], []]);
  const none = target.querySelector("em");
  show([], "one");
  expect([words("em"), words("s")]).toEqual([["one"], ["1"]]);
  expect(target.querySelector("em")).not.toBe(none);
  const one = target.querySelector("em");
  show([], "one");
  expect(target.querySelector("em")).toBe(one);
  show([], "two");
  expect([words("em"), words("s")]).toEqual([["two"], ["2"]]);
  show([], undefined);
  expect([words("em"), words("s")]).toEqual([["none"], []]);
});

/** The parts of templates that the shorter form leaves out. */
const LEFT_OUT = ["AwaitBlock", "TransitionDirective", "AnimateDirective", "SvelteBoundary"];

test("no template of the voter's page needs what the shorter form leaves out", () => {
  const templates = ["src/vote", "src/kinds"]
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)))
    .filter((name) => /\/(vote\/[^/]+|Ballot[^/]*|Letter|Track|Spread|Stars)\.svelte$/.test(name));
  expect(templates.length).toBeGreaterThan(20);
  const wrong = templates.flatMap((name) => {
    const found: string[] = [];
    const look = (node: unknown) => {
      if (typeof node !== "object" || node === null) return;
      const { type, fallback } = node as AST.EachBlock;
      if (LEFT_OUT.includes(type) || (type === "EachBlock" && fallback)) found.push(`${name} has ${type}`);
      Object.values(node).forEach(look);
    };
    look(parse(readFileSync(name, "utf8"), { modern: true }).fragment);
    return found;
  });
  expect(wrong).toEqual([]);
});
