// Tests a ranking on stage: its rows, its outcome, and the words about it.

import { cleanup, render } from "@testing-library/svelte";
import { afterEach, expect, test } from "vitest";
import { plan } from "../../present/fit";
import { Results } from "../../present/results.svelte";
import { slotsOf, textsOf, type RankingPoll } from "../kind";
import { onStage } from "../on-stage";
import { makeRanking } from "./fixture";

/** Four put Tea first, and three of them Coffee next; two put Coffee first and Juice third. */
const POLL = makeRanking([
  [4, 0, 0],
  [2, 3, 0],
  [0, 0, 2],
]);
const TIE = makeRanking(
  [
    [1, 1],
    [1, 1],
    [0, 0],
  ],
  { status: "closed", final: true },
);

afterEach(cleanup);
const words = (node: Element) => node.textContent.replaceAll(/\s+/g, " ").trim();
const all = (selector: string) => [...document.querySelectorAll(selector)].map(words);
const rows = (selector: string) =>
  [...document.querySelectorAll(selector)].map((row) => [...row.children].map(words).join(" ").trim());

/** Renders a part of the stage with the results of this poll. */
function staged(part: "Rows" | "Outcome", poll: RankingPoll) {
  const leave = $effect.root(() => {
    const results = new Results({ poll: () => poll });
    const fits = (width: number, height: number) => plan(textsOf(poll), width, height);
    render(onStage(poll)[part], { results, poll, width: 120, height: 60, upright: false, fits });
  });
  leave();
}

test("rows on stage have rank, points, mean place and first places, and a bar against the most there could be", () => {
  staged("Rows", { ...POLL, totalVoters: 6 });
  expect(all("ol .text")).toEqual(["Tea", "Coffee", "Juice"]);
  expect(all(".rank")).toEqual(["1", "1", "3"]);
  expect(all(".figures")).toEqual(["12 mean 1.04 first", "12 mean 1.62 first", "2 mean 3.00 first"]);
  const bars = [...document.querySelectorAll<HTMLElement>(".bar")].map(({ style }) => style.transform);
  expect(bars).toEqual([`scaleX(${12 / 18})`, `scaleX(${12 / 18})`, `scaleX(${2 / 18})`]);
  expect([...document.querySelectorAll("li.leads")].length).toBe(2);
});

test("hidden numbers show nothing on stage, and rows keep their places", () => {
  staged("Rows", makeRanking(null));
  expect([all(".rank"), all(".figures")]).toEqual([
    ["", "", ""],
    ["", "", ""],
  ]);
});

test("the outcome is what came first and what came next; a tie is named as one", () => {
  staged("Outcome", {
    ...makeRanking([
      [3, 0],
      [0, 2],
      [0, 1],
      [0, 0],
    ]),
    final: true,
  });
  expect(all("p")).toEqual(["Tea", "6", "points · mean place 1.0 · first for 3 of 3"]);
  expect(all("li")).toEqual(["2Coffee2", "3Juice1"]);
  cleanup();
  staged("Outcome", TIE);
  expect([all("p"), all("li")]).toEqual([
    ["A tie of 2", "3 points each"],
    ["1Tea3", "1Coffee3"],
  ]);
  cleanup();
  staged("Outcome", { ...makeRanking([[0], [0]]), final: true });
  expect(all("p")).toEqual(["Nobody has voted"]);
});

test("the outcome says how many more are level with the last one that it names", () => {
  const outcome = (...firsts: number[]) => {
    staged("Outcome", { ...makeRanking(firsts.map((first) => [first])), final: true });
    const shown = [all("li"), all("p").slice(3)];
    cleanup();
    return shown;
  };
  expect(outcome(3, 1, 1, 1)).toEqual([["2Coffee1", "2Juice1"], ["and 1 more at rank 2"]]);
  expect(outcome(3, 2, 1, 1)).toEqual([["2Coffee2", "3Juice1"], ["and 1 more at rank 3"]]);
  expect(outcome(4, 3, 2, 1)).toEqual([["2Coffee3", "3Juice2"], []]);
});

test("on stage a place and its number are on one line", () => {
  staged("Outcome", { ...makeRanking([[3], [0]]), final: true });
  expect(document.querySelector(".lead")!.textContent).toContain("place\u00a01.0");
});

test("the room beside a bar follows from the longest mean that there may be", () => {
  const room = (places: number) => {
    staged("Rows", makeRanking([Array<number>(places).fill(0)]));
    const width = document.querySelector("ol")!.style.getPropertyValue("--mean");
    cleanup();
    return width;
  };
  expect([room(9), room(10)]).toEqual(["12", "13.5"]);
});

test("the stage says who is in front, and how many have ranked", () => {
  const stage = onStage(POLL);
  const lead = (poll: RankingPoll) => stage.lead(poll, slotsOf(poll), 3);
  expect(
    lead(
      makeRanking([
        [3, 0],
        [0, 2],
      ]),
    ),
  ).toBe("In front: Tea, 6 points.");
  expect(lead({ ...makeRanking([[1], [0]]), final: true })).toBe("Final result: Tea, 1 point.");
  expect(lead(TIE)).toBe("Final result: a tie of 2.");
  expect(lead(makeRanking([[0], [0]]))).toBe("");
  expect(stage.total(POLL, slotsOf(POLL), 1)).toBe("1 person has ranked");
  expect([stage.scores(POLL, slotsOf(POLL)), stage.upright]).toEqual([[12, 12, 2], false]);
});

test("screen readers at the stage have a table, which says what is hidden", () => {
  const { Table } = onStage(POLL);
  render(Table, { poll: POLL, votes: slotsOf(POLL), voters: 6 });
  expect(rows("tbody tr")).toEqual(["Tea 1 12 1.0 4", "Coffee 1 12 1.6 2", "Juice 3 2 3.0 0"]);
  cleanup();
  render(Table, { poll: POLL, votes: null, voters: 6 });
  expect(rows("tbody tr")).toEqual(["Tea hidden", "Coffee hidden", "Juice hidden"]);
});
