// Tests what a phone shows of the words that the room has answered, and that nothing shows early.

import { flushSync } from "svelte";
import { expect, test } from "vitest";
import { plain } from "../../vote/fixture";
import { kinds } from "../../vote/kinds.svelte";
import { summary } from "../../vote/results";
import type { WordsPoll } from "../kind";
import { HEARD, POLL, all, one, rows, show, text, told, voted, words } from "./ballot-fixture.svelte";
import { makeWords } from "./fixture";

test("what others have sent leads nobody; after the vote it stands there, with one's own words marked", async () => {
  show(makeWords(HEARD));
  expect([one(".uttered").classList.contains("audible"), rows()]).toEqual([false, []]);
  await voted("FAST  builds", makeWords(HEARD));
  expect(one(".uttered").classList.contains("audible")).toBe(true);
  expect(rows()).toEqual(["Rust 12", "* fast builds ✓yours 6", "بناء سريع 3"]);
  expect(all(".board li").map((row) => row.style.getPropertyValue("--share"))).toEqual(["1", "0.5", "0.25"]);
  expect([words(".uttered > p"), all(".board bdi").length]).toEqual(["", 3]);
});

test("of many words thirty stand there, the others are told in one number, and the table has all", async () => {
  const many = Array.from({ length: 40 }, (_, i) => [`word ${i}`, 50 - i] as const);
  await voted("word 35", makeWords(many, { moreWords: 2, otherVotes: 3, unshownVotes: 4 }));
  expect([rows().length, all(".uttered > p").map(text)]).toEqual([
    30,
    ["and 12 more", "7 votes are for words not shown here."],
  ]);
  told({ ...makeWords(HEARD, { unshownVotes: 1 }) });
  expect(all(".uttered > p").map(text)).toEqual(["", "1 vote is for a word not shown here."]);
});

test("a row is a place: whatever rises, no row moves, and its words are written anew", async () => {
  await voted("Rust", makeWords(HEARD));
  const [first, second] = all(".board li");
  told({ ...makeWords([["fast builds", 20], ["Rust", 12]]), version: 9 }); // prettier-ignore
  expect([rows(), all(".board li")[0] === first, all(".board li")[1] === second]).toEqual([
    ["fast builds 20", "* Rust ✓yours 12"],
    true,
    true,
  ]);
});

test("whoever has not voted sees the words once the poll is closed; hidden ones show nothing", async () => {
  show(makeWords(HEARD, { status: "closed", final: true }));
  expect([rows(), one(".uttered").classList.contains("audible")]).toEqual([
    ["Rust 12", "fast builds 6", "بناء سريع 3"],
    true,
  ]);
  await voted("Rust", makeWords(null, { id: "0199aaaa-0000-7000-8000-000000000002" }));
  expect([rows(), one(".uttered").classList.contains("audible"), document.querySelector("details")]).toEqual([
    [],
    false,
    null,
  ]);
});

test("words are text, never HTML", async () => {
  await voted("<b>x</b>", makeWords([["<img src=x onerror=alert(1)>", 2]]));
  expect([rows(), document.querySelectorAll(".board img, .slots b").length]).toEqual([
    ["<img src=x onerror=alert(1)> 2"],
    0,
  ]);
});

test("the same as a table, and aloud what was sent most", () => {
  show(makeWords([...HEARD, ["Go", 3]], { totalVoters: 24 }));
  one("details").setAttribute("open", "");
  one("details").dispatchEvent(new Event("toggle"));
  flushSync();
  expect(all("tr").map((row) => [...row.children].map(text))).toEqual([
    ["Word", "People", "Share"],
    ["Rust", "12", "50%"],
    ["fast builds", "6", "25%"],
    ["بناء سريع", "3", "13%"],
    ["Go", "3", "13%"],
  ]);
  const said = (poll: WordsPoll) => plain(summary(poll, kinds.of("words")!.lead(poll)));
  expect(said(makeWords(HEARD, { totalVoters: 14 }))).toBe("14 people have voted. Most often: Rust (12)");
  expect(said(makeWords([["a", 2], ["b", 2]]))).toBe("4 people have voted. Most often: a, b (2)"); // prettier-ignore
  expect(said(makeWords(["a", "b", "c", "d"].map((text) => [text, 1] as const)))).toBe("4 people have voted");
  expect(said(POLL)).toBe("0 people have voted");
  expect(said(makeWords(null, { totalVoters: 3 }))).toBe("");
});
