// The receipt of a ballot, with what the server says of it now; to be kept, or sent to somebody who recounts.

import type { Sent } from "./ballot.svelte";
import { copy } from "./copy";
import { el } from "./dom.svelte";
import type { Voting } from "./poll.svelte";
import { say, t, time, type Key } from "./words.svelte";

const FATES: Record<string, Key> = {
  counted: "fateCounted", replaced: "fateReplaced", superseded: "fateReplaced", refused: "fateRefused", late: "fateLate",
};

/** Where its record stands, as far as that is told. */
function positionOf({ position }: Sent) {
  const { partition = 0, offset = null } = position ?? {};
  return offset === null ? null : { partition, offset };
}

export function receipt({ poll, ballot }: Voting, closed: () => void): HTMLElement {
  let asking = $state(true);
  let copied = $state<Key>("copy");
  // The one that was there when it was opened stays, whatever is voted meanwhile.
  const first = ballot.receipt!;
  const sent = $derived(ballot.receipt ?? first);
  const at = () => positionOf(sent);
  const page = () => {
    const position = at();
    return `/api/polls/${poll.id}/ballots/${sent.ballotId}${position ? `?at=${position.partition}.${position.offset}` : ""}`;
  };
  const choice = () => poll.options.filter(({ id }) => sent.optionIds.includes(id)).map(({ text }) => text);
  const row = (key: Key, attributes: Record<string, string>, read: () => string) =>
    el("div", {}, el("dt", {}, t(key)), el("dd", {}, el("span", attributes, read)));

  const facts = el("dl", {},
    row("choice", { dir: "auto" }, () => choice().join("\n")),
    row("fate", { role: "status" }, () => say(asking ? "asking" : FATES[sent.status ?? ""] ?? "fateRecorded")),
    row("time", { class: "number" }, () => time(new Date(sent.at ?? 0), true)),
    row("place", { class: "number" }, () => say(at() ? "placeText" : "placeLater", at() ?? {})),
    el("div", {}, el("dt", {}, t("ballot")),
      el("dd", {}, el("a", { href: page, target: "_blank", rel: "noopener" }, () => sent.ballotId))));
  const copyFacts = async () => { copied = await copy(facts) ? "copied" : "copyByHand"; };
  const dialog: HTMLDialogElement = el("dialog", {
    class: "receipt", "aria-labelledby": "receipt", onclose: closed,
    onclick: (event: MouseEvent) => { if (event.target === dialog) dialog.close(); },
  },
  el("h2", { id: "receipt" }, t("receiptTitle")), facts, el("p", { class: "muted" }, t("receiptText")),
  el("p", { class: "pair" },
    el("button", { class: "button", type: "button", "aria-live": "polite", onclick: copyFacts }, () => say(copied)),
    el("button", { class: "button primary", type: "button", onclick: () => dialog.close() }, t("close"))));

  $effect(() => dialog.showModal());
  void ballot.check().then(() => { asking = false; });
  return dialog;
}
