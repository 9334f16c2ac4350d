// Six digits from the screen in the room.

import { getEvent } from "../api/operations";
import { recall } from "../ui/storage";
import { spoken } from "../ui/writing";
import { SHORTEST, tidyCode } from "./code";
import { el, follow } from "./dom.svelte";
import { kinds } from "./kinds.svelte";
import { online } from "./online.svelte";
import { place } from "./place.svelte";
import { say, t } from "./words.svelte";
import { lastRoom, type Visited } from "./visited";

/** Before it is asked again what a code leads to, when nobody of ours has said it; in milliseconds. */
const PAUSES = [500, 1_500];

/**
 * `wrong`: a code that leads nowhere, as it was found in the address. `typing` is told whether another one is being
 * entered, and no longer once one leads somewhere.
 */
export function join(wrong = "", typing: (now: boolean) => void = () => {}): HTMLElement {
  let busy = $state(false);
  let fault = $state<() => string>(wrong ? noSuch(wrong) : () => "");
  follow(() => `${say("join")} · Pollux`, (title) => { document.title = title; });
  const field: HTMLInputElement = el("input", {
    class: "field number code", id: "code", value: spoken(wrong), inputmode: "numeric", autocomplete: "off",
    autocapitalize: "off", spellcheck: "false", enterkeyhint: "go", placeholder: spoken("482913"), maxlength: 200,
    "aria-describedby": "fault where", "aria-invalid": () => (fault() ? "true" : null),
    oninput: () => typing(tidyCode(field.value) !== wrong),
  });
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    fault = await find(field.value);
    busy = false;
    if (!fault()) return typing(false);
    field.focus();
    field.select();
  };
  return el("main", {},
    el("form", { class: "card join", novalidate: true, onsubmit: submit },
      el("h1", {}, el("label", { for: "code" }, t("enterCode"))),
      field,
      el("div", { class: "hint" },
        el("p", { class: "fault", id: "fault", role: "alert" }, () => fault()),
        el("p", { class: "muted", id: "where", hidden: () => fault() !== "" }, t("whereCode"))),
      el("button", { class: "button primary", "aria-disabled": () => (busy ? "true" : null) }, () => say(busy ? "joining" : "join")),
      backTo(wrong)));
}

/** Go where the code leads; else what is wrong with it. */
async function find(typed: string): Promise<() => string> {
  const code = tidyCode(typed);
  if (code.length < SHORTEST) return t("shortCode");
  let answer = await getEvent({ path: { id: code } });
  for (const pause of PAUSES) {
    if (answer.ok || answer.status || !online.now) break;
    await new Promise((done) => { setTimeout(done, pause); });
    answer = await getEvent({ path: { id: code } });
  }
  if (answer.ok) {
    kinds.ahead(answer.data.polls);
    place.go(`/p/${encodeURIComponent(code)}`);
    return () => "";
  }
  if (answer.status === 404 || answer.status === 400) return noSuch(code);
  return t(answer.status === 429 ? "tooManyTries" : "noServer");
}

const noSuch = (code: string) => t("noSuchCode", { code: spoken(code) });

function backTo(wrong: string): HTMLElement | null {
  const last = recall<Visited>(lastRoom);
  if (!last?.code || last.code === wrong) return null;
  return el("a", { class: "button", href: `/p/${encodeURIComponent(last.code)}`, onclick: place.follow },
    el("span", { class: "clamp" }, t("backTo", { title: last.title })));
}
