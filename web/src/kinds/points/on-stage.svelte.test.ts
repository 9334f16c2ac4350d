// Tests how the stage shows points: shares first, points beside them, the best first once they are revealed, and
// nothing while they are hidden.

import { createRawSnippet, flushSync, mount, unmount, type Component } from "svelte";
import { afterEach, expect, test } from "vitest";
import { plan } from "../../present/fit";
import Framed from "../../present/Framed.svelte";
import { Results } from "../../present/results.svelte";
import { slotsOf, type PointsPoll } from "../kind";
import { onStage } from "../on-stage";
import { makePoints } from "./fixture";

const POLL = makePoints([
  [30, 3],
  [42, 2],
  [28, 1],
]);
const LEVEL = makePoints([
  [40, 2],
  [40, 1],
  [20, 1],
]);
const NONE = makePoints([
  [0, 0],
  [0, 0],
  [0, 0],
]);
const ENDED = { status: "closed", final: true } as const;

let leave = () => {};
afterEach(() => {
  leave();
  leave = () => {};
});

/** Mounts a component with these props, which may need the results of a poll. */
function show(of: Component<any>, props: (results: Results) => object, poll: PointsPoll) {
  leave();
  const end = $effect.root(() => {
    const results = new Results({ poll: () => poll });
    const shown = mount(of, { target: document.body, props: props(results) });
    return () => void unmount(shown);
  });
  leave = end;
  flushSync();
}
const rows = (poll: PointsPoll, upright = false) =>
  show(
    onStage(poll).Rows,
    (results) => ({
      results,
      poll,
      width: 100,
      height: 60,
      upright,
      fits: (width: number, height: number) =>
        plan(
          poll.options.map(({ text }) => text),
          width,
          height,
        ),
    }),
    poll,
  );
const texts = (node: Node): string[] =>
  node.nodeType === Node.TEXT_NODE
    ? (node.textContent ?? "").split(/\s+/).filter(Boolean)
    : [...node.childNodes].flatMap(texts);
/** Returns the words of these elements, each element's with one space between them. */
const words = (selector: string) => [...document.querySelectorAll(selector)].map((one) => texts(one).join(" "));
const bars = () => [...document.querySelectorAll<HTMLElement>(".bar")].map(({ style }) => style.transform);

test.each([
  ["bars", false, "X"],
  ["columns", true, "Y"],
] as const)("on stage, as %s: each option's share of all points, and its points", (_, upright, axis) => {
  rows(POLL, upright);
  expect(words("li .text")).toEqual(["Pizza", "Curry", "Salad"]);
  expect(words("li .figures")).toEqual(["30% 30", "42% 42", "28% 28"]);
  expect(bars()).toEqual([0.3, 0.42, 0.28].map((share) => `scale${axis}(${share})`));
  expect(words(".won .text")).toEqual([]);
  rows({ ...POLL, ...ENDED }, upright);
  expect(words(".won .text")).toEqual(["Curry"]);
});

test("on stage hidden points show nothing, and their place is kept", () => {
  rows(makePoints(null));
  expect([words("li .text"), words("li .figures"), bars()]).toEqual([
    ["Pizza", "Curry", "Salad"],
    ["", "", ""],
    ["scaleX(0)", "scaleX(0)", "scaleX(0)"],
  ]);
});

test("on stage points that are revealed come in order, the best first", () => {
  rows({ ...POLL, ...ENDED, results: "hidden" });
  expect(words("li .text")).toEqual(["Curry", "Pizza", "Salad"]);
});

test("the outcome names the winner, or those that are level, or nobody", () => {
  const outcome = (poll: PointsPoll) => {
    show(onStage(poll).Outcome, (results) => ({ results, poll }), poll);
    return words("p, li");
  };
  expect(outcome({ ...POLL, ...ENDED })).toEqual(["Curry", "42%", "42 of 100 points"]);
  expect(outcome({ ...LEVEL, ...ENDED })).toEqual(["A tie of 2", "A Pizza", "B Curry", "40 points each · 40%"]);
  expect(outcome({ ...NONE, ...ENDED })).toEqual(["Nobody has voted"]);
});

test("in the frame of another page the points and the people are counted as on stage", () => {
  const foot = createRawSnippet(() => ({ render: () => "<i></i>" }));
  const said = (poll: PointsPoll) => {
    show(Framed, () => ({ poll, upright: false, card: true, lost: 0, foot }), poll);
    return words("footer .strong");
  };
  expect(said({ ...POLL, totalVoters: 4 })).toEqual(["100 points from 4 people"]);
  const hidden = makePoints(null, { totalVoters: 4 });
  expect(said(hidden)).toEqual(["4 have voted"]);
  expect(said({ ...hidden, totalVoters: null, turnout: "hidden" })).toEqual(["Results are hidden"]);
});

test("screen readers have a table, which says what is hidden", () => {
  const table = (poll: PointsPoll, votes: number[] | null) => {
    show(onStage(poll).Table, () => ({ poll, votes, voters: 4 }), poll);
    return words("tr");
  };
  expect(table(POLL, [30, 3, 42, 2, 28, 1])).toEqual([
    "Option Share Points People",
    "A: Pizza 30% 30 3",
    "B: Curry 42% 42 2",
    "C: Salad 28% 28 1",
  ]);
  expect(table(makePoints(null), null)[1]).toBe("A: Pizza hidden");
});

test("the stage says how many points there are, who has which part of them, and that several are level", () => {
  const said = (poll: PointsPoll) => onStage(poll).lead(poll, slotsOf(poll), 4);
  expect(onStage(POLL).total(POLL, slotsOf(POLL), 4)).toBe("100 points from 4 people");
  expect(said(POLL)).toBe("In front: Curry has 42% of all points.");
  expect(said({ ...POLL, ...ENDED })).toBe("Final result: Curry has 42% of all points.");
  expect(said(LEVEL)).toBe("In front: a tie of 2, with 40% of all points each.");
  expect(said(NONE)).toBe("");
});
