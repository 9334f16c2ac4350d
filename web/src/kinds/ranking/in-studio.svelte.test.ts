// Tests a ranking in the studio: its results, and what leads in a line.

import { cleanup, render } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, expect, test } from "vitest";
import { PollForm } from "../../studio/poll-form.svelte";
import { inStudio } from "../in-studio";
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

test("the studio shows the same in the organiser's order, each place on demand, and what leads in a line", () => {
  const studio = inStudio(POLL);
  render(studio.Results, { poll: POLL });
  expect(rows(".options tbody tr")).toEqual(["1 Tea 12 1.0 4", "1 Coffee 12 1.6 2", "3 Juice 2 3.0 0"]);
  expect(rows("details tbody tr")).toEqual([
    "Tea 4 100% 0 0% 0 0%",
    "Coffee 2 40% 3 60% 0 0%",
    "Juice 0 0% 0 0% 2 100%",
  ]);
  cleanup();
  render(studio.Results, { poll: makeRanking(null) });
  expect([rows(".options tbody tr")[0], document.querySelector("details")]).toEqual(["– Tea – – –", null]);
  cleanup();
  render(studio.Ahead, { poll: POLL });
  expect(all(".lead")).toEqual(["Tea 12 points"]);
  cleanup();
  render(studio.Ahead, { poll: makeRanking([[0], [0]]) });
  expect(all(".lead")).toEqual([]);
  expect([studio.rule(POLL), studio.rule(TIE)]).toEqual([
    ["Places", "all"],
    ["Places", "2 of 3"],
  ]);
  expect([studio.noun, studio.sign(1)]).toEqual(["Option", "B"]);
});

test("the editor says what a place gives, by how many places there are", async () => {
  localStorage.clear();
  const form = new PollForm("new");
  form.kind = "ranking";
  const { Editor } = inStudio(POLL);
  render(Editor, { form });
  const said = async (places: number | null) => {
    form.own.places = places;
    await tick();
    return all("label, #places-hint");
  };
  expect(await said(null)).toEqual([
    "Each person gives places",
    "The first place gives 2 points, each further one a point less.",
  ]);
  expect((await said(1))[1]).toBe("The first place gives 1 point.");
});
