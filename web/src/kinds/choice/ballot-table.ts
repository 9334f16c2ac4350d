// The results of a choice as a table.

import { letter } from "../../ui/option";
import { el } from "../../vote/dom.svelte";
import { number, percent, t } from "../../vote/words.svelte";
import type { ChoicePoll } from "../kind";
import { share } from "./ballot-share";

export function table(poll: () => ChoicePoll): HTMLElement {
  const head = (["option", "votesColumn", "share"] as const).map((key) => el("th", { scope: "col" }, t(key)));
  const body = poll().options.map(({ text }, index) => {
    const now = () => poll().options[index]!;
    return el("tr", {},
      el("th", { scope: "row" }, `${letter(index)} · `, el("bdi", {}, text)),
      el("td", { class: "number" }, () => number(now().votes ?? 0)),
      el("td", { class: "number" }, () => percent(share(poll(), now()))));
  });
  return el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
}
