// The page's first line (whose it is, and how fresh) and its last (other places, the language).

import type { Event } from "../api/generated";
import type { Link } from "../live/link.svelte";
import { el, part } from "./dom.svelte";
import { online } from "./online.svelte";
import { place } from "./place.svelte";
import { LANGUAGES, say, span, speech, t, type Language } from "./words.svelte";

/** Younger than this is not worth a word, in seconds. */
const YOUNG = 3;
/** Our sign, as it stands in vote.html. */
const sign = document.querySelector(".brand svg");

/** All that stands on the page at one time. */
export const scene = (...parts: Node[]) => el("div", { class: "scene" }, ...parts);

export function top(event: () => Event | null, link: Link | null): HTMLElement {
  const logo = () => (event()?.lone ? null : event()?.logo ?? null);
  const title = () => (event()?.lone ? null : event()?.title ?? null);
  return el("header", { class: "top" },
    el("a", { class: "brand", href: "/", onclick: place.follow },
      part(() => `${logo()} ${title()}`, () => el("span", { class: "who" }, mark(logo()),
        el("span", { class: "title", dir: "auto" }, title() ?? "Pollux")))),
    link && el("p", { class: "link", "data-state": () => link.state },
      part(() => freshness(link), (words) => el("span", { class: "muted number" }, words))));
}

function mark(src: string | null): Node | null {
  return src === null ? sign?.cloneNode(true) ?? null : el("img", { src, alt: "", width: 40, height: 40 });
}

function freshness(link: Link): string {
  if (link.state === "live" || link.state === "polling") return say(link.state);
  const state = say(!online.now ? "offline" : link.state === "waiting" ? "reconnecting" : "connecting");
  return link.age < YOUNG ? state : `${state} · ${span(link.age)}`;
}

/** `studio`: where this device runs the poll from, if it does. */
export function foot(studio: () => string | null): HTMLElement {
  const choose = async ({ currentTarget: select }: { currentTarget: HTMLSelectElement }) => {
    await speech.choose(select.value as Language).catch(() => { select.value = speech.language; });
  };
  const languages = Object.entries(LANGUAGES).map(([tag, name]) =>
    el("option", { value: tag, lang: tag, selected: tag === speech.language }, name));
  const links = place.code ? [el("a", { href: "/", onclick: place.follow }, t("anotherCode"))]
    : [el("a", { href: "/studio" }, t("makePoll")), el("a", { href: "/leaderboard" }, t("leaderboard"))];
  return el("footer", {},
    part(studio, (href) => href === null ? null : el("a", { class: "button", href }, t("studio"))),
    el("nav", {}, ...links,
      el("select", { class: "field", "aria-label": t("language"), onchange: choose }, ...languages)));
}
