// Tests that effects on this page act on values, and that what is written is text, made anew when it changes.

import { readdirSync, readFileSync } from "node:fs";
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

/** Returns the files of this page; `shared` adds what it shares with other screens. */
function files(shared: RegExp) {
  const all = readdirSync("src", { recursive: true, encoding: "utf8" });
  const own = /^vote\/(?!follow)[^/]*\.(ts|svelte)$|^kinds\/\w+\/ballot[^/]*$/i;
  return all.filter((name) => (own.test(name) || shared.test(name)) && !name.endsWith(".test.ts"));
}
const read = (name: string) => readFileSync(join("src", name), "utf8");

test("nothing on this page acts in another way", () => {
  const ours = files(/^$/);
  expect(ours.length).toBeGreaterThan(30);
  expect(ours.filter((name) => read(name).includes("$effect"))).toEqual([]);
});

test("state is a plain value, or an object that is replaced as a whole: the build leaves proxies out", () => {
  const objects = /\$state(<[^(]*>)?\(\s*(\{|\[|new |[\w.]+\()|\$state<[^(]*(\[\]|\{|Map|Set|Record)[^(]*>\(/;
  expect(["$state([])", "$state<Row[]>()", "$state(listOf())"].every((text) => objects.test(text))).toBe(true);
  const ours = files(/^(live|api|ui)\/.*\.(ts|svelte)$/);
  expect(ours.filter((name) => objects.test(read(name)))).toEqual([]);
});
