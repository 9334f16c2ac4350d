// Tests that effects on this page act on values, and that what is written is text, made anew when it changes.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { flushSync, mount, unmount } from "svelte";
import { beforeEach, expect, test } from "vitest";
import { follow, precede } from "./follow.svelte";
import Text from "./Text.svelte";

let target: HTMLElement;
beforeEach(() => {
  target = document.createElement("p");
  document.body.replaceChildren(target);
});
const texts = () => [...target.childNodes].filter((node) => node instanceof window.Text && node.data);

test("words that change are another node, words that stay the same one; text is text", () => {
  let n = $state(1);
  const text = mount(Text, {
    target,
    props: {
      get of() {
        return n < 3 ? "<b>few</b>" : "many";
      },
    },
  });
  const [before] = texts();
  expect([target.children.length, target.textContent]).toEqual([0, "<b>few</b>"]);
  n = 2;
  flushSync();
  expect(texts()).toEqual([before]);
  expect(texts()[0]).toBe(before);
  n = 3;
  flushSync();
  expect(texts()[0]).not.toBe(before);
  expect([texts().length, target.textContent]).toEqual([1, "many"]);
  void unmount(text);
});

test.each([
  ["follow", follow],
  ["precede", precede],
])("what %ss a value is done when it has become another, not when what it is read from has", (_, does) => {
  let poll = $state.raw({ round: 1, votes: 0 });
  const said: string[] = [];
  const leave = $effect.root(() => {
    does(
      () => poll.round,
      (round) => {
        said.push(`round ${round}`, `${poll.votes} votes`);
        return () => said.push(`not ${round}`);
      },
    );
  });
  for (let votes = 0; votes < 6; votes++) {
    poll = { round: 1, votes };
    flushSync();
  }
  expect(said).toEqual(["round 1", "0 votes"]);
  poll = { round: 2, votes: 0 };
  flushSync();
  leave();
  expect(said.slice(2)).toEqual(["not 1", "round 2", "0 votes", "not 2"]);
});

const read = (name: string) => readFileSync(join("src", name), "utf8");

/** Returns what this page's script is built from: its first file, and what is imported from there on. */
function built() {
  const all = new Set(["vote/main.ts"]);
  // A set that grows while it is walked is walked to its new end.
  for (const name of all) {
    const code = read(name).replaceAll(/^import type [^;]*;/gm, "");
    for (const [, path] of code.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"?]+)"/g)) {
      const file = join(name, "..", path!);
      const found = ["", ".ts", "/index.ts"].map((end) => file + end).find((one) => isFile(join("src", one)));
      expect(found, `${name} imports ${path}`).toBeDefined();
      if (/\.(ts|svelte)$/.test(found!)) all.add(found!);
    }
  }
  return [...all];
}
const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile();

test("nothing on this page acts in another way", () => {
  const ours = built().filter((name) => /^vote\/(?!follow)|^kinds\/\w+\/ballot/i.test(name));
  expect(ours.length).toBeGreaterThan(30);
  expect(ours.filter((name) => read(name).includes("$effect"))).toEqual([]);
});

/** What is written as state and might become a proxy: neither a literal nor an element, and not `$state.raw`. */
const PROXIES = /\$(state(?!\.raw\b|\(("[^"]*"|\d+|true|false)\)|<HTML\w*Element>\(\))|bindable\().*/g;

test.each([
  "$state([])",
  "$state<Row[]>()",
  "$state(listOf())",
  "$state<Marks | null>(null)",
  "$state()",
  "$state(row)",
])("%s may be a proxy", (text) => expect(text.match(PROXIES)).toEqual([text]));

test("state is a plain value, or an object that is replaced as a whole: the build leaves proxies out", () => {
  const ours = built();
  for (const shared of ["kinds/ranking/ranking.ts", "kinds/points/words.ts", "kinds/option.ts", "ui/flip.svelte.ts"])
    expect(ours).toContain(shared);
  expect(ours.flatMap((name) => (read(name).match(PROXIES) ?? []).map((found) => `${name}: ${found}`))).toEqual([]);
});
