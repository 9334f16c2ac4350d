// Tests how the studio shows a poll of words: its figures, the words with their votes, and what is ahead in a list.

import { flushSync, mount, unmount, type Component } from "svelte";
import { afterEach, expect, test } from "vitest";
import { makeWords } from "./fixture";
import inStudio from "./in-studio";

let leave = () => {};
afterEach(() => {
  leave();
  leave = () => {};
});

function show<Props extends Record<string, unknown>>(of: Component<Props>, props: Props) {
  leave();
  const shown = mount(of, { target: document.body, props });
  leave = () => void unmount(shown);
  flushSync();
}
const all = (selector: string) => [...document.querySelectorAll<HTMLElement>(selector)];
const words = (selector: string) =>
  all(selector).map((one) =>
    one
      .textContent!.replaceAll(/[\u2068\u2069]/g, "")
      .replaceAll(/\s+/g, " ")
      .trim(),
  );

const POLL = makeWords([
  ["Rust", 12],
  ["fast builds", 3],
]);

test("how many words, votes and people there are, what was said most, and each word with its bar", () => {
  show(inStudio.Results, { poll: { ...POLL, moreWords: 2, unshownVotes: 4, totalVoters: 9 } });
  expect(words("dl > div")).toEqual(["Different words 4", "Votes 15", "People 9"]);
  expect(words(".said")).toEqual(["Most said: “Rust”, 12 votes. 4 votes for hidden words."]);
  expect(words("tbody tr")).toEqual(["Rust 12", "fast builds 3"]);
  expect(all(".bar").map(({ style }) => style.getPropertyValue("--part"))).toEqual(["1", "0.25"]);
  expect(words("tr.best th")).toEqual(["Rust"]);
  expect(words(".muted")).toEqual(["and 2 further words, which the file has"]);
  expect(all("button")).toEqual([]);
});

test("the first twenty words stand there, and all of them on demand", () => {
  show(inStudio.Results, { poll: makeWords(Array.from({ length: 40 }, (_, i) => [`word${i}`, 40 - i])) });
  const [button] = all("button");
  expect([all("tbody tr").length, words("button")]).toEqual([20, ["All 40 words"]]);
  button!.click();
  flushSync();
  expect([all("tbody tr").length, button!.getAttribute("aria-expanded")]).toEqual([40, "true"]);
});

test("hidden words show nothing, and nothing is ahead; no words are no table", () => {
  show(inStudio.Results, { poll: makeWords(null) });
  expect([words("section p"), all("table, dl")]).toEqual([
    ["The words are hidden. With the owner's token you would see them."],
    [],
  ]);
  show(inStudio.Results, { poll: makeWords([]) });
  expect([words("dl > div")[0], all("table")]).toEqual(["Different words 0", []]);
  show(inStudio.Ahead, { poll: POLL });
  expect(words(".lead")).toEqual(["Rust 12"]);
  show(inStudio.Ahead, { poll: makeWords(null) });
  expect(words(".lead")).toEqual([]);
});

test("the rule says how many words each person may send, and whether they wait", () => {
  expect(inStudio.rule(POLL)).toEqual(["Words", "up to 3 words from each person"]);
  expect(inStudio.rule({ ...POLL, maxWords: 1, approve: true })).toEqual([
    "Words",
    "1 word from each person, shown once you approve them",
  ]);
});
