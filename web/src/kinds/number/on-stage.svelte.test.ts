// Tests how the stage shows a number: columns with labels and numbers, marks, figures, and the right answer only once
// the poll is closed and its numbers are shown.

import { createRawSnippet, flushSync, mount, unmount, type Component } from "svelte";
import { afterEach, expect, test } from "vitest";
import { plan } from "../../present/fit";
import Framed from "../../present/Framed.svelte";
import { Results } from "../../present/results.svelte";
import { slotsOf, type NumberPoll } from "../kind";
import { onStage } from "../on-stage";
import { makeNumber } from "./fixture";

const ANSWERS = [
  [40, 2],
  [41, 3],
  [45, 1],
] as const;
const POLL = makeNumber(ANSWERS);
const CLOSED = { status: "closed", final: true } as const;
const SOLVED = makeNumber(ANSWERS, { solution: 42, ...CLOSED });
type Again = { votes: readonly number[]; voters: number };

let leave = () => {};
afterEach(() => {
  leave();
  leave = () => {};
});

/** What is shown: a poll, or a moment of its replay. */
let shown = $state.raw<{ poll: NumberPoll; again: Again | null }>({ poll: POLL, again: null });

/** Mounts a component with these props, which may need the results of a poll. */
function show(of: Component<any>, props: (results: Results) => object, poll: NumberPoll, again: Again | null = null) {
  leave();
  shown = { poll, again };
  leave = $effect.root(() => {
    const results = new Results({ poll: () => shown.poll, again: () => shown.again });
    const mounted = mount(of, { target: document.body, props: props(results) });
    return () => void unmount(mounted);
  });
  flushSync();
}
const rows = (poll: NumberPoll, width = 120, height = 60, again: Again | null = null, place = {}) =>
  show(
    onStage(poll).Rows,
    (results) => ({
      results,
      get poll() {
        return results.poll;
      },
      width,
      height,
      upright: false,
      fits: (width: number, height: number) => plan([""], width, height),
      flowing: false,
      told: false,
      ...place,
    }),
    poll,
    again,
  );
const all = (selector: string) => [...document.querySelectorAll<HTMLElement>(selector)];
const words = (selector: string) => all(selector).map((one) => (one.textContent ?? "").replaceAll(/\s+/g, " ").trim());
const bars = () => all(".bar").map(({ style }) => style.transform);
const outcome = (poll: NumberPoll) => {
  show(onStage(poll).Outcome, (results) => ({ results, poll }), poll);
  return words("p");
};

test("a column for each bin, as high as it has people, with its number above and its value below", () => {
  rows(POLL);
  expect(bars()).toEqual([2, 3, 0, 0, 0, 1].map((people) => `scaleY(${people / 3})`));
  expect([words(".raised").join(" ").trim(), words(".label")]).toEqual([
    "2 3    1",
    ["40", "41", "42", "43", "44", "45"],
  ]);
  expect(words(".figures p")).toEqual(["▲ Mean 41.3 kg", "◆ Median 41 kg"]);
  expect(all(".mark").map(({ className, style }) => [className.split(" ")[1], style.transform])).toEqual([
    ["mean", expect.stringMatching(/^translateX\(30\.5+\d*%\)$/)],
    ["median", "translateX(25%)"],
  ]);
});

test("where there is no room for each label there is one for every so many columns, as for their numbers", () => {
  const many = Array.from({ length: 20 }, (_, i) => [50 * i, 1 + i] as const);
  rows(makeNumber(many, { max: 1_000 }));
  const labels = words(".label");
  expect([labels.length, labels.filter(Boolean).length, labels[0]]).toEqual([20, expect.any(Number), "0–49"]);
  expect(labels.filter(Boolean).length).toBeLessThan(12);
  expect(labels.filter(Boolean).length).toBeGreaterThan(3);
  rows(
    makeNumber(
      many.map(([value, people]) => [value, 1_000 * people]),
      { max: 1_000 },
    ),
    60,
  );
  expect(words(".raised").join("")).toBe("");
});

test("while nobody has answered the axis goes from bound to bound, and hidden figures leave their place empty", () => {
  rows(makeNumber([]));
  expect([words(".label span"), words(".figures p"), all(".mark").length]).toEqual([
    ["0", "100"],
    ["▲ Mean –", "◆ Median –"],
    0,
  ]);
  rows(makeNumber(null));
  expect([words(".label span"), words(".figures")]).toEqual([["0", "100"], [""]]);
});

test("columns stay the same elements while their edges do, and are drawn anew when those change", () => {
  rows(POLL);
  const [first] = all(".bar");
  shown = { ...shown, poll: makeNumber([[40, 2], [41, 3], [43, 8], [45, 1]]) }; // prettier-ignore
  flushSync();
  expect([all(".bar")[0] === first, bars()[3]]).toEqual([true, "scaleY(1)"]);
  shown = { ...shown, poll: makeNumber([[40, 2], [41, 3], [46, 1]]) }; // prettier-ignore
  flushSync();
  expect(all(".bar")[0] === first).toBe(false);
});

test("the right answer is marked once the poll is closed and everybody sees the numbers, and not before", () => {
  rows(SOLVED);
  expect([words(".flag"), words(".solved")]).toEqual([
    ["✓ 42 kg"],
    ["Right answer: 42 kg — nearest: 41 kg (3 people)"],
  ]);
  expect(all(".line")[0]!.style.transform).toMatch(/^translateX\(41\.6+\d*%\)$/);
  for (const poll of [
    { ...SOLVED, status: "open", final: false },
    { ...SOLVED, revealed: false, results: "hidden" },
  ]) {
    rows(poll);
    expect([words(".flag"), words(".solved").join("")]).toEqual([[], ""]);
  }
  rows(SOLVED, 120, 60, { votes: slotsOf(SOLVED), voters: 6 });
  expect([words(".flag"), words(".solved")], "in a replay").toEqual([[], [""]]);
});

test("a right answer beyond the columns stands at their end, and says in which direction", () => {
  rows({ ...SOLVED, solution: 8_848.86 });
  expect([words(".flag"), all(".line")[0]!.style.transform]).toEqual([["▸ 8,848.86 kg"], "translateX(100%)"]);
  rows({ ...SOLVED, solution: 1 });
  expect([words(".flag"), all(".line")[0]!.style.transform]).toEqual([["◂ 1 kg"], "translateX(0%)"]);
});

test("a replay grows to where the result stands: with its edges, and against its highest column", () => {
  const votes = slotsOf(makeNumber([[41, 1]]));
  rows({ ...POLL, ...CLOSED }, 120, 60, { votes, voters: 6 });
  expect([bars(), words(".figures p")]).toEqual([
    [0, 1, 0, 0, 0, 0].map((people) => `scaleY(${people / 3})`),
    ["▲ Mean 41 kg", "◆ Median 41 kg"],
  ]);
});

const CLASSES = /\b(beside|above|alone|low|brief)\b/g;
const layout = () => all(".guesses")[0]!.className.match(CLASSES)!.join(" ");

test("figures stand beside the chart, above it in a narrow or upright area, alone where a chart has no room", () => {
  for (const [width, height, expected] of [
    [120, 60, "beside"],
    [280, 20, "beside low brief"],
    [98, 32, "beside low"],
    [60, 80, "above"],
    [92, 138, "above"],
    [63, 25, "above low brief"],
    [63, 12, "alone low brief"],
  ] as const) {
    rows(POLL, width, height);
    expect(layout(), `${width} × ${height}`).toBe(expected);
    expect(all(".chart")).toHaveLength(expected.startsWith("alone") ? 0 : 1);
  }
});

test("where the page flows the height of the area, which follows from the layout, decides nothing", () => {
  for (const [width, expected] of [
    [52, "above"],
    [87, "above"],
    [343, "beside"],
  ] as const)
    for (const height of [10, 200]) {
      rows(POLL, width, height, null, { flowing: true });
      expect(layout(), `${width} × ${height}`).toBe(expected);
    }
});

const HUGE = makeNumber(
  Array.from({ length: 11 }, (_, i) => [-1e9 + 2e8 * i, 1 + i] as const),
  { min: -1e9, max: 1e9, step: 2e6, unit: "€" },
);

test("long values are written short, with all their digits; what has no room is left out, never cut off", () => {
  rows(HUGE, 60, 80);
  const shown = words(".label").filter(Boolean);
  expect([shown[0], shown.length > 1]).toEqual(["-1B – -802M", true]);
  rows(makeNumber([[1_234_567, 1], [1_234_569, 2]], { min: 1_234_560, max: 1_234_570 }), 28, 80); // prettier-ignore
  const long = words(".label").filter(Boolean);
  expect(long.every((text) => ["1,234,567", "1,234,569"].includes(text))).toBe(true);
  rows(HUGE, 34, 80);
  expect(words(".label > span")).toEqual(["-1B", "1B"]);
  rows(HUGE, 12, 80);
  expect(words(".label")).toEqual([]);
  rows(HUGE, 280, 60);
  expect(words(".label")[0]).toBe("-1,000,000,000 – -802,000,000");
});

test("mean and median are of one size, which the longer one has room for", () => {
  const size = () => Number(all(".guesses")[0]!.style.getPropertyValue("--size"));
  rows(POLL);
  expect(size()).toBe(4.6);
  rows({ ...HUGE, unit: "thousand" });
  expect(words(".figures bdi")).toEqual(["333,300,000 thousand", "400,000,000 thousand"]);
  expect(size()).toBeLessThan(2.5);
  expect(all(".figures bdi").some((one) => one.getAttribute("style"))).toBe(false);
});

test("the stage says the right answer where no panel does, and where there is little room in place of figures", () => {
  const said = () => [words(".flag").length, words(".solved"), words(".figures p").length];
  const sentence = "Right answer: 42 kg — nearest: 41 kg (3 people)";
  rows(SOLVED, 120, 60, null, { told: true });
  expect(said()).toEqual([1, [], 2]);
  rows(SOLVED);
  expect(said()).toEqual([1, [sentence], 2]);
  rows(SOLVED, 63, 25);
  expect([said(), words(".mean, .median").filter((text) => text.includes("M"))]).toEqual([[1, [sentence], 1], []]);
  rows({ ...SOLVED, status: "open", final: false }, 63, 25);
  expect(said()).toEqual([0, [], 2]);
});

test("the outcome is the right answer and who came nearest, or the median, or that nobody has voted", () => {
  expect(outcome(SOLVED)).toEqual(["Right answer", "42 kg", "nearest: 41 kg (3 people)"]);
  expect(outcome({ ...POLL, ...CLOSED })).toEqual(["Median", "41 kg", "mean 41.3 kg · 6 people"]);
  expect(outcome(makeNumber([], CLOSED))).toEqual(["Nobody has voted"]);
  expect(outcome(makeNumber([], { ...CLOSED, solution: 42 }))).toEqual(["Right answer", "42 kg", "Nobody has voted"]);
  const two = makeNumber([[41, 3], [43, 2]], { solution: 42, ...CLOSED }); // prettier-ignore
  expect(outcome(two)[2]).toBe("nearest: 41 kg and 43 kg (5 people)");
});

test("a unit that is written from right to left does not turn around the sentence", () => {
  rows({ ...SOLVED, unit: "كغ" });
  const [begins, ends] = [0x2068, 0x2069].map((point) => String.fromCodePoint(point));
  const within = (number: number) => `${begins}${number} كغ${ends}`;
  expect(words(".solved")).toEqual([`Right answer: ${within(42)} — nearest: ${within(41)} (3 people)`]);
  expect(all(".figures bdi")).toHaveLength(2);
});

test("in the frame of another page people are counted as on stage", () => {
  const foot = createRawSnippet(() => ({ render: () => "<i></i>" }));
  const said = (poll: NumberPoll) => {
    show(Framed, () => ({ poll, upright: false, card: true, lost: 0, foot }), poll);
    return words("footer .strong");
  };
  expect(said(POLL)).toEqual(["6 people have answered"]);
  expect(said(makeNumber([[1, 1]]))).toEqual(["1 person has answered"]);
  expect(said(makeNumber(null, { totalVoters: 4 }))).toEqual(["4 have voted"]);
});

test("screen readers have a table and a sentence, which say what is hidden, and after the close the answer", () => {
  const table = (poll: NumberPoll, votes: readonly number[] | null) => {
    show(onStage(poll).Table, () => ({ poll, votes, voters: 6 }), poll);
    return all("tr").map((row) => [...row.children].map((cell) => cell.textContent!.replaceAll("\u00a0", " ")));
  };
  expect(table(POLL, slotsOf(POLL))).toEqual([
    ["Answer", "People", "Share"],
    ["40", "2", "33%"],
    ["41", "3", "50%"],
    ["42", "0", "0%"],
    ["43", "0", "0%"],
    ["44", "0", "0%"],
    ["45", "1", "17%"],
    ["Mean", "41.3 kg"],
    ["Median", "41 kg"],
  ]);
  expect(table(makeNumber(null), null).slice(1)).toEqual([
    ["Mean", "hidden"],
    ["Median", "hidden"],
  ]);
  const lead = (poll: NumberPoll) => onStage(poll).lead(poll, slotsOf(poll), 6).replaceAll("\u00a0", " ");
  expect(lead(POLL)).toBe("Mean 41.3 kg, median 41 kg.");
  expect(lead(SOLVED)).toBe("Mean 41.3 kg, median 41 kg. Right answer: 42 kg — nearest: 41 kg (3 people).");
  expect(lead({ ...SOLVED, revealed: false })).not.toContain("Right");
  expect(lead(makeNumber([]))).toBe("");
});
