// The results of a rating as a table: each statement's average, how many rated it, and how many gave each step.

import { el } from "../../vote/dom.svelte";
import { decimal, number } from "../../vote/words.svelte";
import type { RatingPoll } from "../kind";
import { scale } from "./rating";
import { say } from "./words";

export function table(poll: () => RatingPoll): HTMLElement {
  const head = (["statement", "average", "count"] as const).map((key) => el("th", { scope: "col" }, () => say(key)));
  const body = poll().statements.map(({ text }, index) => {
    const now = () => poll().statements[index]!;
    const gave = scale(poll()).map((step, i) => el("li", {}, el("b", {}, `${step}`), el("span", {}, () => ` × ${number(now().spread?.[i] ?? 0)}`)));
    return el("tbody", {},
      el("tr", {},
        el("th", { scope: "rowgroup", dir: "auto" }, text),
        el("td", { class: "number" }, () => { const { mean } = now(); return mean === null ? "–" : decimal(mean); }),
        el("td", { class: "number" }, () => number(now().votes ?? 0))),
      el("tr", {}, el("td", { colspan: 3, class: "gave number" }, el("ul", {}, ...gave))));
  });
  return el("table", { class: "ratings" }, el("thead", {}, el("tr", {}, ...head)), ...body);
}
