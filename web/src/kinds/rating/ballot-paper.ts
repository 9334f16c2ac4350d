// The ballot paper of a rating: for each statement real radio buttons, one for each step, as stars or as numbers. Above
// each step stands how many gave it, and below them the average; the place of both is kept until they are shown.

import type { Statement } from "../../api/generated";
import { el } from "../../vote/dom.svelte";
import type { Voting } from "../../vote/poll.svelte";
import { decimal } from "../../vote/words.svelte";
import type { RatingPoll } from "../kind";
import { highest, scale } from "./rating";
import { say } from "./words";

export function paper(voting: Voting<RatingPoll>): HTMLElement {
  return el("div", { class: "statements" }, ...voting.poll.statements.map((statement, index) => statementView(voting, statement, index)));
}

/** How high the column of each step reaches: that of the most frequent one to the top. */
export function columns(spread: number[] | null): number[] {
  const most = Math.max(1, ...spread ?? []);
  return (spread ?? []).map((count) => count / most);
}

/** Rate a statement; null takes the mark away. */
function rate(voting: Voting<RatingPoll>, index: number, step: number | null) {
  const all = voting.poll.statements.map((_, i) => (i === index ? step : voting.picked[i] ?? null));
  voting.mark(all.some((one) => one !== null) ? all : [], false);
}

function statementView(voting: Voting<RatingPoll>, { id, text }: Statement, index: number): HTMLElement {
  const { poll } = voting;
  const now = () => voting.poll.statements[index]!;
  const picked = () => voting.picked[index] ?? null;
  const shown = () => now().votes !== null;
  const clear = (event: Event) => {
    const before = fieldset.querySelector<HTMLElement>(":checked");
    event.preventDefault();
    rate(voting, index, null);
    // The button is gone with the mark.
    before?.focus({ preventScroll: true });
  };
  const fieldset: HTMLElement = el("fieldset", {
    class: () => `statement as-${poll.symbol}${picked() === null ? "" : " rated"}${shown() ? " shown" : ""}`,
    "style:--steps": poll.steps, "aria-describedby": `mean-${id}`,
  },
  el("legend", { dir: "auto" }, text),
  el("div", { class: "scale" },
    ...scale(poll).map((step) => stepView(voting, `statement-${id}`, step, picked, () => columns(now().spread)[step - poll.lowest] ?? 0, () => rate(voting, index, step)))),
  el("p", { class: "ends muted", hidden: !poll.lowLabel && !poll.highLabel }, el("span", { dir: "auto" }, poll.lowLabel), el("span", { dir: "auto" }, poll.highLabel)),
  el("div", { class: "room" },
    figures(now, highest(poll)),
    el("button", {
      class: "clear", type: "button", hidden: () => picked() === null || !voting.open,
      "aria-label": () => say("clearOne", { text }), onclick: clear,
    }, () => say("clear"))));
  return fieldset;
}

function stepView(
  voting: Voting<RatingPoll>, name: string, step: number, picked: () => number | null, height: () => number, mark: () => void,
): HTMLElement {
  const { poll } = voting;
  const top = highest(poll);
  const label = step === poll.lowest ? poll.lowLabel : step === top ? poll.highLabel : "";
  const on = () => (poll.symbol === "stars" ? step <= (picked() ?? -1) : step === picked());
  return el("label", { class: () => (on() ? "step on" : "step") },
    el("span", { class: "column", "aria-hidden": "true" },
      el("span", { class: "height", "style:transform": () => `scaleY(${height()})` })),
    el("input", {
      type: "radio", name, value: step, checked: () => step === picked(), disabled: () => !voting.open,
      "aria-label": () => say(label ? "end" : "step", { step, top, label }), onchange: mark,
    }),
    el("span", { class: "sign", "aria-hidden": "true" }, poll.symbol === "stars" ? star() : `${step}`));
}

/** The average and how many it is of; for those who listen it is the group's description. */
function figures(now: () => Statement, top: number): HTMLElement {
  const shown = () => now().votes !== null;
  const mean = () => { const { mean } = now(); return mean === null ? "–" : decimal(mean); };
  const ratings = () => (shown() ? say("ratings", { n: now().votes! }) : "");
  const spoken = () => {
    if (!shown()) return "";
    return now().mean === null ? say("nobody") : `${say("step", { step: mean(), top })}, ${ratings()}`;
  };
  return el("p", { class: "figures number" },
    el("span", { class: "hush", id: `mean-${now().id}` }, spoken),
    el("span", { "aria-hidden": "true" },
      el("strong", { "style:--digits": `${decimal(top).length}ch` }, () => (shown() ? mean() : "")),
      el("span", { class: "muted" }, ratings)));
}

const SVG = "http://www.w3.org/2000/svg";
/** Its corners are rounded by its outline. */
const STAR = "M12 3.2l2.6 5.5 6 .8-4.4 4.2 1.1 6-5.3-2.9-5.3 2.9 1.1-6-4.4-4.2 6-.8z";

function star(): Node {
  const sign = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path");
  sign.setAttribute("viewBox", "0 0 24 24");
  // Its size where there is no style.
  sign.setAttribute("width", "24");
  path.setAttribute("d", STAR);
  sign.append(path);
  return sign;
}
