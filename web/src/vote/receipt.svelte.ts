// The receipt of a ballot, with what the server says of it now; to be kept, or sent to somebody who recounts.

import type { Poll } from "../api/generated";
import { answerOf, type Ballot, type Sent } from "./ballot.svelte";
import { copy } from "./copy";
import { el, shown } from "./dom.svelte";
import { kinds } from "./kinds.svelte";
import { say, t, time, type Key } from "./words.svelte";

const FATES: Record<string, Key> = {
  counted: "fateCounted", replaced: "fateReplaced", superseded: "fateReplaced", refused: "fateRefused", late: "fateLate",
};

/** Where its record stands, as far as that is told. */
function positionOf({ position }: Sent) {
  const { partition = 0, offset = null } = position ?? {};
  return offset === null ? null : { partition, offset };
}

/** What a receipt is of. */
export type Receipted = { poll: Poll; ballot: Ballot };

export function receipt({ poll, ballot }: Receipted, closed: () => void): HTMLElement {
  let asking = $state(true);
  let copied = $state<Key>("copy");
  // Should a new round begin meanwhile, the one that was there when it was opened stays.
  const first = ballot.receipt!;
  const sent = $derived(ballot.receipt ?? first);
  const at = () => positionOf(sent);
  const page = () => {
    const position = at();
    return `/api/polls/${poll.id}/ballots/${sent.ballotId}${position ? `?at=${position.partition}.${position.offset}` : ""}`;
  };
  const kind = kinds.of(poll.kind)!;
  const fact = (name: () => string, attributes: Record<string, string>, read: () => string) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, el("span", attributes, read)));
  const row = (key: Key, attributes: Record<string, string>, read: () => string) => fact(t(key), attributes, read);

  const facts = el("dl", {},
    fact(() => kind.yours(poll), { dir: "auto" }, () => kind.lines(poll, answerOf(sent)).join("\n")),
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

  shown(() => dialog.showModal());
  void ballot.check().then(() => { asking = false; });
  return dialog;
}
