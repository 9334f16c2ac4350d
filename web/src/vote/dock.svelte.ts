// What became of the vote, and what can be done: always in sight above the thumb, however long the ballot.

import { el, part } from "./dom.svelte";
import { online } from "./online.svelte";
import type { Voting } from "./poll.svelte";
import { receipt } from "./receipt.svelte";
import { tell } from "./tell";
import { say, t } from "./words.svelte";

const MARKS = { none: "", sending: "", counted: "✓", failed: "↻", queued: "↑", refused: "!" };

/** `waiting`: how many ballots of other polls wait to be sent. */
export function dock(voting: Voting, waiting: () => number): HTMLElement {
  const { ballot } = voting;
  const many = voting.poll.kind === "multiple";
  let at = $state(Date.now());
  let opened = $state(false);
  $effect(() => {
    if (ballot.now.state !== "failed") return;
    at = Date.now();
    const timer = setInterval(() => { at = Date.now(); }, 500);
    return () => clearInterval(timer);
  });
  const told = $derived(tell({
    poll: voting.poll, ballot, open: voting.open, changing: voting.changing, marked: voting.picked.length, online: online.now, at,
  }));
  const ready = () => voting.changing && voting.picked.length > 0;

  const action = () => !many && ready() ? "vote" : ballot.receipt && !ballot.pending && !voting.changing ? "receipt" : null;
  const button = (does: "vote" | "receipt" | null) => does === null ? null
    : does === "vote" ? el("button", { class: "button primary" }, t("vote"))
      : el("button", { class: "button", type: "button", onclick: () => { opened = true; } }, t("receipt"));

  return el("section", { class: "dock", "data-mood": () => told.mood },
    el("div", { class: "told" },
      el("span", { class: "mark", "aria-hidden": "true" }, () => MARKS[told.mood]),
      part(action, button),
      // What ticks is not read aloud each time.
      el("div", { role: "status" },
        el("strong", {}, () => told.title),
        el("p", { hidden: () => told.ticks }, () => (told.ticks ? "" : told.text))),
      el("p", { class: "number", hidden: () => !told.ticks }, () => (told.ticks ? told.text : ""))),
    part(() => many && voting.poll.status === "open", (shown) => shown
      ? el("button", { class: "button primary wide", disabled: () => !ready() }, () => say(ballot.chosen.length ? "change" : "vote"))
      : null),
    part(() => waiting() > 0, (some) => some ? el("p", { class: "waits" }, () => say("waits", { n: waiting() })) : null),
    part(() => opened && ballot.receipt !== null, (shown) => shown ? receipt(voting, () => { opened = false; }) : null));
}
