// Tests how the studio shows points, and names their rule.

import { mount, unmount, type Component } from "svelte";
import { afterEach, expect, test } from "vitest";
import { number } from "../../ui/numbers";
import type { PointsPoll } from "../kind";
import { makePoints } from "./fixture";
import form from "./in-studio-form";
import inStudio from "./in-studio";

const POLL = makePoints([
  [30, 3],
  [42, 2],
  [28, 1],
]);

let leave = () => {};
afterEach(() => {
  leave();
  leave = () => {};
});

function show(of: Component<{ poll: PointsPoll }>, poll: PointsPoll) {
  leave();
  const shown = mount(of, { target: document.body, props: { poll } });
  leave = () => void unmount(shown);
}
const texts = (node: Node): string[] =>
  node.nodeType === Node.TEXT_NODE
    ? (node.textContent ?? "").split(/\s+/).filter(Boolean)
    : [...node.childNodes].flatMap(texts);
/** Returns the words of these elements, each element's with one space between them. */
const words = (selector: string) => [...document.querySelectorAll(selector)].map((one) => texts(one).join(" "));

test("each option has its share, its points and its people; the best is lit, and leads in a list", () => {
  show(inStudio.Results, POLL);
  expect(words("tbody tr")).toEqual([
    "A Pizza 30% 30 points 3 people",
    "B Curry 42% 42 points 2 people",
    "C Salad 28% 28 points 1 person",
  ]);
  expect(words(".best th")).toEqual(["B Curry"]);
  show(inStudio.Ahead, POLL);
  expect(words(".lead")).toEqual(["B Curry 42%"]);
});

test("hidden points show nothing, and nobody leads", () => {
  const hidden = makePoints(null);
  show(inStudio.Results, hidden);
  expect(words("p")).toEqual(["The numbers are hidden. With the owner's token you would see them."]);
  expect(words("tbody .number").join("")).toBe("–––––––––");
  show(inStudio.Ahead, hidden);
  expect(words(".lead")).toEqual([]);
});

test("the rule is what each person has, and so is what somebody else has changed", () => {
  expect(inStudio.rule({ ...POLL, budget: 7 })).toEqual(["Points", "up to 7 from each person"]);
  expect(inStudio.rule({ ...POLL, budget: 1_000 })).toEqual(["Points", `up to ${number(1_000)} from each person`]);
  const said = [1, 50, 1_000, null].map((budget) => form.said.budget({ budget }));
  expect(said).toEqual(["1 point", "50 points", `${number(1_000)} points`, "100 points"]);
});
