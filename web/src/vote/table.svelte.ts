// The results once more, as a table: to be read, or listened to.

import type { Poll } from "../api/generated";
import { letter } from "../ui/option";
import { el, part } from "./dom.svelte";
import { share } from "./results";
import { number, percent, t } from "./words.svelte";

export function table(poll: () => Poll): Node {
  return part(() => poll().totalVoters !== null, (shown) => {
    if (!shown) return null;
    let open = $state(false);
    return el("details", { ontoggle: (event: Event) => { open = (event.target as HTMLDetailsElement).open; } },
      el("summary", {}, t("asTable")),
      part(() => open, () => (open ? rows(poll) : null)));
  });
}

function rows(poll: () => Poll): HTMLElement {
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
