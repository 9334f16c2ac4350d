// Elements follow what they read, and are gone with it.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { flushSync } from "svelte";
import { afterEach, beforeEach, expect, test } from "vitest";
import { el, follow, gone, mount, part, shown } from "./dom.svelte";

let target: HTMLElement, unmount: () => void;
beforeEach(() => {
  target = document.createElement("div");
  target.append("what stood there");
  document.body.replaceChildren(target);
});
afterEach(() => unmount());

function show(build: () => Node[]) {
  unmount = mount(target, build);
  flushSync();
}

test("attributes, properties and words follow; text is text", () => {
  let n = $state(1);
  show(() => [el("p", { class: () => `n${n}`, hidden: () => n === 2, title: () => (n === 3 ? null : "t") }, "<b>", () => ` ${n}`)]);
  const p = target.firstElementChild as HTMLElement;
  expect([target.children.length, p.textContent, p.className, p.hidden, p.title]).toEqual([1, "<b> 1", "n1", false, "t"]);
  n = 2;
  flushSync();
  expect([p.textContent, p.className, p.hidden]).toEqual(["<b> 2", "n2", true]);
  n = 3;
  flushSync();
  expect([p.hidden, p.hasAttribute("title")]).toEqual([false, false]);
});

test("words that change are another node, words that stay the same one", () => {
  let n = $state(1);
  show(() => [el("p", {}, () => (n < 3 ? "few" : "many"))]);
  const before = target.firstElementChild!.firstChild;
  n = 2;
  flushSync();
  expect(target.firstElementChild!.firstChild).toBe(before);
  n = 3;
  flushSync();
  expect(target.firstElementChild!.firstChild).not.toBe(before);
  expect(target.textContent).toBe("many");
});

test("what somebody ticked is set right again", () => {
  let on = $state(true);
  show(() => [el("input", { type: "checkbox", checked: () => on })]);
  const input = target.firstElementChild as HTMLInputElement;
  input.checked = false;
  on = false;
  flushSync();
  on = true;
  flushSync();
  expect(input.checked).toBe(true);
});

test("a part is made anew with its key, only then, and stays in its place", () => {
  let key = $state("a"), other = $state(0), made = 0, read = 0;
  show(() => [el("p", {}, "before"),
    part(() => key.toLowerCase(), (now) => {
      made++;
      return now === "none" ? null : el("p", {}, () => { read++; return `${now} ${other}`; });
    }),
    el("p", {}, "after")]);
  expect(target.textContent).toBe("beforea 0after");
  key = "A";
  flushSync();
  expect(made).toBe(1);
  key = "b";
  flushSync();
  expect([target.textContent, made]).toEqual(["beforeb 0after", 2]);
  key = "none";
  flushSync();
  expect(target.textContent).toBe("beforeafter");
  // What was in the old one is read no more.
  const before = read;
  other = 1;
  flushSync();
  expect(read).toBe(before);
  key = "b";
  flushSync();
  expect(target.textContent).toBe("beforeb 1after");
});

test("what follows a value is done when it has become another, not when what it is read from has", () => {
  let poll = $state.raw({ round: 1, votes: 0 });
  const said: string[] = [];
  show(() => {
    follow(() => poll.round, (round) => {
      said.push(`round ${round}`, `${poll.votes} votes`);
      return () => said.push(`not ${round}`);
    });
    return [part(() => poll.round, () => el("input"))];
  });
  const input = target.firstElementChild;
  for (let votes = 1; votes < 6; votes++) {
    poll = { round: 1, votes };
    flushSync();
  }
  expect([said, target.firstElementChild]).toEqual([["round 1", "0 votes"], input]);
  poll = { round: 2, votes: 0 };
  flushSync();
  expect(said.slice(2)).toEqual(["not 1", "round 2", "0 votes"]);
  expect(target.firstElementChild).not.toBe(input);
});

test("nothing on this page reacts in another way", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" });
  const others = files.filter((name) => /^vote\/(?!dom)[^/]*\.ts$|^kinds\/\w+\/ballot.*\.ts$/.test(name) && !name.endsWith(".test.ts"))
    .filter((name) => readFileSync(join("src", name), "utf8").includes("$effect"));
  expect(others).toEqual([]);
});

test("what is to be done on the page and after it is done once", () => {
  const said: string[] = [];
  show(() => {
    shown(() => said.push("shown"));
    gone(() => said.push("gone"));
    return [];
  });
  unmount();
  expect(said).toEqual(["shown", "gone"]);
});

test("listeners listen", () => {
  let taps = 0;
  show(() => [el("button", { onclick: () => { taps++; } }, "Tap")]);
  (target.firstElementChild as HTMLElement).click();
  expect(taps).toBe(1);
});
