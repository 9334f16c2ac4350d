// The ballot paper: real radio buttons, or checkboxes where several may be chosen. Each option has a letter, its
// text, and below them its bar and numbers, whose place is kept until they are shown.

import type { PollOption } from "../../api/generated";
import { colour, hatched, letter } from "../../ui/option";
import { el } from "../../vote/dom.svelte";
import type { Voting } from "../../vote/poll.svelte";
import { number, percent } from "../../vote/words.svelte";
import type { ChoicePoll } from "../kind";
import { digits, share } from "./ballot-share";

// Arrow keys walk through radio buttons: they mark, and only the button (or Enter) sends.
let walking = false;
addEventListener("keydown", ({ key }) => { walking = key.startsWith("Arrow"); });
addEventListener("keyup", () => { walking = false; });

/** Whether no more may be marked. */
const full = ({ poll, picked }: Voting<ChoicePoll>) => poll.kind === "multiple" && picked.length >= poll.maxChoices;

/** What is marked once this option is marked, or its mark is taken away. */
function toggled({ poll, picked }: Voting<ChoicePoll>, id: number): number[] {
  const others = picked.filter((other) => other !== null);
  if (poll.kind === "single") return [id];
  return others.includes(id) ? others.filter((other) => other !== id) : [...others, id].sort((a, b) => a - b);
}

export function paper(voting: Voting<ChoicePoll>): HTMLElement {
  return el("fieldset", { "aria-labelledby": "question", "style:--digits": () => `${digits(voting.poll)}ch` },
    ...voting.poll.options.map((option, index) => optionView(voting, option, index)));
}

function optionView(voting: Voting<ChoicePoll>, { id, text }: PollOption, index: number): HTMLElement {
  const now = () => voting.poll.options[index]!;
  const part = () => share(voting.poll, now());
  const checked = () => voting.picked.includes(id);
  const shown = () => now().votes !== null;
  const many = voting.poll.kind === "multiple";
  return el("label", {
    class: () => `option${many ? " many" : ""}${checked() ? " checked" : ""}${shown() ? " shown" : ""}`,
    "style:--bar": colour(index),
  },
  el("input", {
    type: many ? "checkbox" : "radio", name: "option", value: id, checked,
    disabled: () => !voting.open || (full(voting) && !checked()),
    "aria-labelledby": `text-${id}`, "aria-describedby": `result-${id}`,
    onchange: () => voting.mark(toggled(voting, id), !walking),
  }),
  el("span", { class: "face" }),
  el("span", { class: "letter", "aria-hidden": "true" }, () => (checked() ? "✓" : letter(index))),
  el("span", { class: "text", id: `text-${id}`, dir: "auto" }, text),
  el("span", { class: "track", "aria-hidden": "true" },
    el("span", { class: hatched(index) ? "bar hatched" : "bar", "style:transform": () => `scaleX(${part()})` })),
  el("span", { class: "result number", id: `result-${id}` },
    el("span", { class: "votes" }, () => (shown() ? number(now().votes!) : "")),
    " ", el("strong", {}, () => (shown() ? percent(part()) : ""))));
}
