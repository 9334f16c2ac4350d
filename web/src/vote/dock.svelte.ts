// What became of the vote, and what can be done: always in sight above the thumb, however long the ballot.

import { el, follow, part } from "./dom.svelte";
import { oneTap } from "./kind";
import { online } from "./online.svelte";
import type { Voting } from "./poll.svelte";
import { tell } from "./tell";
import { say, t } from "./words.svelte";

const MARKS = { none: "", sending: "", counted: "✓", failed: "↻", queued: "↑", refused: "!" };

/** `waiting`: how many ballots of other polls wait to be sent; `receipt` shows the receipt, at the wish of this button. */
export function dock(voting: Voting, waiting: () => number, receipt: (button: HTMLElement) => void): HTMLElement {
  const { ballot, kind } = voting;
  const many = !oneTap(voting.poll);
  let at = $state(0);
  follow(() => ballot.now.state === "failed", (failed) => {
    if (!failed) return;
    const tick = () => { at = performance.now(); };
    tick();
    const timer = setInterval(tick, 500);
    return () => clearInterval(timer);
  });
  const told = $derived(tell({
    poll: voting.poll, kind, ballot, open: voting.open, changing: voting.changing, marked: voting.marked, online: online.now, at,
  }));
  const ready = () => voting.changing && voting.marked > 0;

  const action = () => !many && ready() ? "vote" : ballot.receipt && !ballot.pending && !voting.changing ? "receipt" : null;
  const button = (does: "vote" | "receipt" | null) => does === null ? null
    : does === "vote" ? el("button", { class: "button primary" }, t("vote"))
      : el("button", { class: "button", type: "button", onclick: (event: Event) => receipt(event.currentTarget as HTMLElement) }, t("receipt"));

  return el("section", { class: "dock", "data-mood": () => told.mood },
    el("div", { class: "told" },
      el("span", { class: "mark", "aria-hidden": "true" }, () => MARKS[told.mood]),
      part(action, button),
      // What ticks is not read aloud each time.
      el("div", { role: "status" },
        el("strong", {}, () => told.title),
        el("p", { hidden: () => told.ticks }, () => (told.ticks ? "" : told.text))),
      el("p", { class: "number", hidden: () => !told.ticks }, () => (told.ticks ? told.text : ""))),
    many && el("button", { class: "button primary wide", hidden: () => voting.poll.status !== "open", disabled: () => !ready() },
      () => kind.sends(voting)),
    part(() => waiting() > 0, (some) => some ? el("p", { class: "waits" }, () => say("waits", { n: waiting() })) : null));
}
