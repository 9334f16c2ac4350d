// Six digits from the screen in the room.

import { getEvent } from "../api/operations";
import { recall } from "../ui/storage";
import { SHORTEST, spoken, tidyCode } from "./code";
import { el } from "./dom.svelte";
import { place } from "./place.svelte";
import { say, t } from "./words.svelte";
import { lastRoom, type Visited } from "./visited";

/** `wrong`: a code that leads nowhere, as it was found in the address. */
export function join(wrong = ""): HTMLElement {
  let busy = $state(false);
  let fault = $state<() => string>(wrong ? noSuch(wrong) : () => "");
  $effect(() => { document.title = `${say("join")} · Pollux`; });
  const field = el("input", {
    class: "field number code", id: "code", value: spoken(wrong), inputmode: "numeric", autocomplete: "off",
    autocapitalize: "off", spellcheck: "false", enterkeyhint: "go", placeholder: spoken("482913"), maxlength: 200,
    "aria-describedby": "fault where", "aria-invalid": () => (fault() ? "true" : null),
  });
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    fault = await find(field.value);
    busy = false;
    if (!fault()) return;
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
  const answer = await getEvent({ path: { id: code } });
  if (answer.ok) {
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
