// Tests how the stage shows a poll of words: the cloud, the list, what stands there while no word is shown, what is
// told of words without a place, the outcome, and what screen readers are given.

import { createRawSnippet, flushSync, mount, unmount, type Component } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { plan } from "../../present/fit";
import Framed from "../../present/Framed.svelte";
import { Results } from "../../present/results.svelte";
import { slotsOf, type WordsPoll } from "../kind";
import { onStage } from "../on-stage";
import { makeWords } from "./fixture";
import { inLines } from "./on-stage-letters";

const POLL = makeWords([
  ["Rust", 12],
  ["fast builds", 5],
  ["سرعة", 1],
]);
const CLOSED = { status: "closed", final: true } as const;
const MANY = makeWords(Array.from({ length: 300 }, (_, i) => [`word${i}`, 300 - i]));

let leave = () => {};
beforeEach(() => {
  // A glide that is broken off is an error in this document, though in no browser.
  vi.spyOn(Element.prototype, "animate").mockReturnValue({ cancel() {} } as Animation);
  const timers = ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] as const;
  vi.useFakeTimers({ toFake: [...timers, "requestAnimationFrame", "cancelAnimationFrame"] });
});
afterEach(() => {
  leave();
  leave = () => {};
  vi.useRealTimers();
});

let shown = $state.raw(POLL);

/** Mounts a component with these props, which may need the results of a poll. */
function show(of: Component<any>, props: (results: Results) => object, poll: WordsPoll) {
  leave();
  shown = poll;
  leave = $effect.root(() => {
    const results = new Results({ poll: () => shown });
    const mounted = mount(of, { target: document.body, props: props(results) });
    return () => void unmount(mounted);
  });
  settle();
}
/** Lets frames pass, in which the cloud is laid out. */
function settle(ms = 1_000) {
  flushSync();
  vi.advanceTimersByTime(ms);
  flushSync();
}
const tell = (poll: WordsPoll) => {
  shown = poll;
  settle();
};
const rows = (poll: WordsPoll, place = {}) =>
  show(
    onStage(poll).Rows,
    (results) => ({
      results,
      get poll() {
        return results.poll;
      },
      width: 119,
      height: 62,
      upright: false,
      fits: (width: number, height: number) => plan([""], width, height),
      ...place,
    }),
    poll,
  );
const all = (selector: string) => [...document.querySelectorAll<HTMLElement>(selector)];
const words = (selector: string) => all(selector).map((one) => (one.textContent ?? "").replaceAll(/\s+/g, " ").trim());
const sizes = () => all(".word").map(({ dataset }) => Number(dataset.size));

test("a cloud: most votes first and largest, which alone is lit; each word has the direction of its own", () => {
  rows(POLL);
  expect(words(".word")).toEqual(["Rust", "fast builds", "سرعة"]);
  expect(all(".leads").map(({ textContent }) => textContent)).toEqual(["Rust"]);
  expect(sizes()).toEqual([...sizes()].sort((a, b) => b - a));
  expect(all(".word").every(({ localName }) => localName === "bdi")).toBe(true);
  expect(all(".word").every(({ style }) => /^translate\(calc\(.* \* var\(--u\)\)/.test(style.transform))).toBe(true);
  expect(all(".cloud")[0]!.getAttribute("aria-label")).toBe("A cloud of 3 words; a table has their votes");
});

test("a word that grows and one that comes leave the others where they are, as the same elements", () => {
  rows(POLL);
  const before = all(".word"),
    [first] = before.map(({ style }) => style.transform);
  tell(makeWords([["Rust", 12], ["fast builds", 5], ["سرعة", 1], ["Go", 1]])); // prettier-ignore
  expect(all(".word").slice(0, 3)).toEqual(before);
  expect(all(".word")[0]!.style.transform).toBe(first);
  tell(makeWords([["fast builds", 12], ["Rust", 12], ["سرعة", 1]])); // prettier-ignore
  expect(words(".leads").sort()).toEqual(["Rust", "fast builds"]);
  expect(words(".word")).not.toContain("Go");
});

test("an update writes to the elements of the words that it changes and to no other, and moves no element", () => {
  const written = (before: WordsPoll, after: WordsPoll) => {
    rows(before);
    const watch = new MutationObserver(() => {});
    watch.observe(all(".cloud")[0]!, { subtree: true, childList: true, attributes: true, characterData: true });
    tell(after);
    const seen = watch.takeRecords().map(({ target, type }) => `${type} of ${(target as HTMLElement).textContent}`);
    watch.disconnect();
    return [...new Set(seen)].sort();
  };
  const rest = [["سرعة", 2], ["Go", 1]] as const; // prettier-ignore
  const even = makeWords([["Rust", 30], ["fast builds", 30], ...rest]); // prettier-ignore
  // The second word overtakes the first one, which leads no more.
  const overtaken = makeWords([["fast builds", 31], ["Rust", 30], ...rest]); // prettier-ignore
  expect(written(even, overtaken)).toEqual(["attributes of Rust"]);
  expect(words(".word")).toEqual(["Rust", "fast builds", "سرعة", "Go"]);
  expect(words(".leads")).toEqual(["fast builds"]);
  expect(written(even, { ...even, totalVoters: 90 })).toEqual([]);
});

test("a long phrase is set in lines, and a long word is not", () => {
  rows(makeWords([["a place where mistakes are welcome", 2], ["Donaudampfschifffahrt", 1]])); // prettier-ignore
  const lines = all(".word").map((one) => [...one.children].map(({ textContent }) => textContent));
  expect(lines).toEqual([["a place where", "mistakes are", "welcome"], ["Donaudampfschifffahrt"]]);
  const width = (text: string) => text.length;
  expect(inLines("one two three four", 2, width)).toEqual(["one two", "three four"]);
  expect(inLines("abc", 2, width)).toEqual(["abc"]);
  expect(inLines("東京透明性信頼", 2, width).join("")).toBe("東京透明性信頼");
  expect(inLines("東京透明性信頼", 2, width)).toHaveLength(2);
});

test("a word too long for one line is parted, and so the most-said one is in the smallest frame", () => {
  for (const [text, votes] of [["W".repeat(40), 9], ["👩‍🚀".repeat(14), 9], [`so ${"東".repeat(37)}`, 9]] as const) {
    rows(makeWords([[text, votes], ["Rust", 5]]), { width: 63, height: 21 });
    const first = all(".word.leads")[0]!;
    expect(first.textContent.replace(" ", "")).toBe(text.replace(" ", ""));
    expect(sizes()[0]).toBeGreaterThanOrEqual(2.4 - 1e-9);
    expect(words(".below p")).toEqual([]);
  }
  const width = (text: string) => text.length;
  expect(inLines("abcdefghijklmnopqrstuvwx", 3, width)).toEqual(["abcdefgh", "ijklmnop", "qrstuvwx"]);
  // A family of several signs is one letter.
  const parted = inLines("👨‍👩‍👧‍👦".repeat(9), 3, width);
  expect(parted).toEqual(Array(3).fill("👨‍👩‍👧‍👦".repeat(3)));
}); // prettier-ignore

test("hidden words are nowhere; their place says so, or waits for the first one, or for approval", () => {
  const instead = (poll: WordsPoll) => {
    rows(poll);
    expect(words(".word, .below")).toEqual([""]);
    return words(".instead");
  };
  expect(instead(makeWords(null, { totalVoters: 4 }))).toEqual(["The words are hidden until the reveal"]);
  // The owner's numbers are not for the room before the reveal.
  expect(instead({ ...POLL, revealed: false, results: "hidden" })).toEqual(["The words are hidden until the reveal"]);
  expect(instead(makeWords([]))).toEqual(["Waiting for the first word"]);
  expect(instead(makeWords([], { approve: true, unshownVotes: 2 }))).toEqual(["Words appear once they are approved"]);
  expect(instead(makeWords([], { unshownVotes: 2 }))).toEqual(["No word is shown"]);
  expect(instead(makeWords([], CLOSED))).toEqual(["Nobody has sent a word"]);
});

test("at the reveal words come one after the other, the most-said last; without a reveal they come at once", () => {
  const waits = () => all(".word").map(({ style }) => style.getPropertyValue("--waits"));
  rows(POLL);
  expect(waits()).toEqual(["0ms", "0ms", "0ms"]);
  rows(makeWords(null, { totalVoters: 4 }));
  shown = POLL;
  settle(200);
  expect(waits()).toEqual(["1400ms", "700ms", "0ms"]);
  settle(3_000);
  tell(makeWords([["Rust", 12], ["fast builds", 5], ["سرعة", 1], ["Go", 1]])); // prettier-ignore
  expect(waits()).toEqual(["0ms", "0ms", "0ms", "0ms"]);
});

test("what has no room is counted and shown in turn; what is counted without being shown is told in a line", () => {
  rows({ ...MANY, moreWords: 40, otherVotes: 7, unshownVotes: 1 });
  const count = all(".word").length;
  expect(count).toBe(150);
  const few = words(".few bdi");
  expect(words(".below p > .number")).toEqual(["and 190 more"]);
  expect(few).toEqual(Array.from({ length: 8 }, (_, i) => `word${150 + i}`));
  settle(5_000);
  expect(words(".few bdi")[0]).toBe("word158");
  expect(words(".unseen")).toEqual(["7 votes for words beyond those that are kept · 1 vote for hidden words"]);
  tell({ ...POLL, approve: true, unshownVotes: 3 });
  expect(words(".below")).toEqual(["3 votes waiting for approval or hidden"]);
});

test("as a list: counts, bars, and page after page", () => {
  rows(POLL, { listed: true });
  expect(words("li")).toEqual(["Rust 12", "fast builds 5", "سرعة 1"]);
  expect(all(".fill").map(({ style }) => style.transform)).toEqual([12, 5, 1].map((votes) => `scaleX(${votes / 12})`));
  expect(words("li.leads")).toEqual(["Rust 12"]);
  rows(MANY, { listed: true });
  expect([all("li").length, words(".below")]).toEqual([36, ["page 1 of 9"]]);
  settle(8_000);
  expect([words("li")[0], words(".below")]).toEqual(["word36 264", ["page 2 of 9"]]);
  // A word that is hidden vanishes at once.
  shown = makeWords(MANY.words!.filter(({ text }) => text !== "word36").map(({ text, votes }) => [text, votes]));
  flushSync();
  expect(words("li")[0]).toBe("word37 263");
});

test("as a list few words get the whole width, and more get two columns before three", () => {
  const columns = (count: number) => {
    rows(makeWords(Array.from({ length: count }, (_, i) => [`word${i}`, 90 - i])), { listed: true });
    expect(all("li").length).toBe(Math.min(36, count));
    return all("ol")[0]!.style.getPropertyValue("--columns");
  };
  expect([1, 12, 13, 24, 25, 90].map(columns)).toEqual(["1", "1", "2", "2", "3", "3"]);
});

test("the outcome is the word that was said most, several of them, or none", () => {
  const outcome = (poll: WordsPoll) => {
    show(onStage(poll).Outcome, (results) => ({ results, poll }), poll);
    return words("p");
  };
  expect(outcome({ ...POLL, ...CLOSED, totalVoters: 14 })).toEqual(["Most said", "Rust", "12", "of 14 people"]);
  expect(outcome(makeWords([["a", 2], ["b", 2], ["c", 2], ["d", 2], ["e", 1]], { totalVoters: 4 }))).toEqual(
    ["Most said", "a", "b", "c", "and 1 more", "2", "each, of 4 people"]); // prettier-ignore
  expect(outcome(makeWords([["a", 1], ["b", 1]], { totalVoters: 1 }))).toEqual(
    ["Every word was said once", "2 words from 1 person"]); // prettier-ignore
  expect(outcome(makeWords([], CLOSED))).toEqual(["Nobody has sent a word"]);
  expect(outcome(makeWords([], { ...CLOSED, unshownVotes: 2 }))).toEqual(["No word is shown"]);
});

test("screen readers have a table and a sentence; in a frame people and words are counted", () => {
  const table = (poll: WordsPoll, votes: readonly number[] | null) => {
    show(onStage(poll).Table, () => ({ poll, votes, voters: 6 }), poll);
    return all("tbody tr").map((row) => [...row.children].map(({ textContent }) => textContent));
  };
  expect(table({ ...POLL, moreWords: 2, unshownVotes: 1 }, slotsOf(POLL))).toEqual([
    ["Rust", "12"],
    ["fast builds", "5"],
    ["سرعة", "1"],
    ["and 2 more words"],
    ["1 vote for hidden words"],
  ]);
  expect(table(POLL, null)).toEqual([["hidden"]]);
  const lead = (poll: WordsPoll) =>
    onStage(poll)
      .lead(poll, slotsOf(poll), 6)
      .replaceAll(/[\u2068\u2069]/g, "");
  expect(lead(POLL)).toBe("Most said: “Rust”, 12 votes.");
  expect(lead(makeWords([["a", 1], ["b", 1]]))).toBe("Most said: “a” and “b”, 1 vote each."); // prettier-ignore
  expect(lead(makeWords([["a", 1], ["b", 1], ["c", 1], ["d", 1]]))).toBe(
    "Most said: “a”, “b” and 2 more, 1 vote each."); // prettier-ignore
  expect(lead(makeWords([]))).toBe("");
  const foot = createRawSnippet(() => ({ render: () => "<i></i>" }));
  show(Framed, () => ({ poll: POLL, upright: false, card: true, lost: 0, foot }), POLL);
  expect(words("footer .strong")).toEqual(["18 people, 18 words"]);
});
