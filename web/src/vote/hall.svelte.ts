// In the room: the event's current poll, the wait for one, and the way to each next.

import { untrack } from "svelte";
import type { Poll } from "../api/generated";
import { tokenOf } from "../api/identity";
import type { Room } from "../live/room.svelte";
import { anew } from "./anew";
import { accentOf } from "./accent.svelte";
import { Aloud } from "./aloud.svelte";
import type { Ballots } from "./ballots.svelte";
import { el, follow, gone, part } from "./dom.svelte";
import { foot, scene, top } from "./frame.svelte";
import { join } from "./join.svelte";
import { kinds } from "./kinds.svelte";
import { place } from "./place.svelte";
import { pollView } from "./poll.svelte";
import { receipt, type Receipted } from "./receipt.svelte";
import { visited } from "./visited";
import { say, t } from "./words.svelte";

export function hall(code: string, room: Room, ballots: Ballots): HTMLElement {
  const aloud = new Aloud();
  gone(() => { room.close(); aloud.close(); });
  follow(() => room.event && `${room.event.code} ${room.event.title}`, () => { if (room.event) visited(room.event); });
  accentOf(() => room.event?.accent ?? null);

  const studio = () => {
    const { event, poll } = room;
    return event && tokenOf(event.id, poll?.id) ? `/studio#${event.lone ? "poll" : "event"}=${event.id}` : null;
  };
  // A receipt that somebody reads stays, whatever comes on stage; so does a code that is being typed, and a choice of language.
  let reads = $state.raw<Receipted | null>(null);
  let opener: HTMLElement | undefined;
  let types = $state(false);
  const typing = (now: boolean) => {
    types = now;
    if (!now && room.gone) room.again();
  };
  follow(() => room.event?.version, () => { if (room.event) kinds.ahead(room.event.polls); });
  // What is there stays until the next poll's kind has come.
  follow(() => room.poll?.kind, (kind) => { if (kind) kinds.load(kind).catch(() => anew()); });
  const next = ({ id, kind }: Poll) => (kinds.of(kind) ? id : before);
  const shown = () => room.gone || types ? "gone" : room.poll ? next(room.poll) : room.event && !room.event.current ? "waiting" : "";
  let before = "", below = "";
  const shownBelow = () => {
    const now = shown();
    return document.activeElement?.closest("footer") ? below : (below = now);
  };
  const view = (now: string) => {
    const followed = before !== "";
    before = now;
    switch (now) {
      case "": return bones();
      case "gone": return join(code, typing);
      case "waiting": return waiting(room);
    }
    if (followed) arrive(aloud, room.poll!.question);
    if (followed || place.moved) focusHeading();
    return pollView(room, ballots, followed, aloud, ({ poll, ballot }, button) => { reads = { poll, ballot }; opener = button; });
  };
  return scene(
    top(() => room.event, room.link), part(shown, view),
    // Made anew with what stands above it: it belongs there, and has not moved.
    part(shownBelow, (now) => (now === "" ? null : foot(studio))),
    el("p", { class: "hush", "aria-live": "polite" }, () => aloud.words),
    part(() => reads !== null, (open) => (open ? receipt(reads!, () => { reads = null; opener?.focus(); focusHeading(); }) : null)));
}

/** Who listens hears of the next question, and everybody sees where it begins. */
function arrive(aloud: Aloud, question: string) {
  aloud.now(say("nextQuestion", { question }));
  scrollTo(0, 0);
}

/** The focus of somebody whose place on the page is gone goes to where the new one begins. */
function focusHeading() {
  queueMicrotask(() => requestAnimationFrame(() => {
    if (document.activeElement && document.activeElement !== document.body) return;
    document.querySelector<HTMLElement>("h1[tabindex]")?.focus({ preventScroll: true });
  }));
}

/** Where words will be. */
function bones(): HTMLElement {
  return el("main", { class: "bones", "aria-busy": "true", "aria-label": t("opening") },
    ...["bone line", "bone line short", "bone", "bone", "bone"].map((name) => el("p", { class: name })));
}

/** Nothing is asked yet, or not any more. */
function waiting(room: Room): HTMLElement {
  const title = () => room.event?.title ?? "";
  follow(() => `${title()} · Pollux`, (words) => { document.title = words; });
  const followed = untrack(() => room.poll !== null);
  return el("main", { class: followed ? "waiting arrive" : "waiting" },
    el("div", { class: "stars", "aria-hidden": "true" }, el("i"), el("i")),
    el("h1", { tabindex: -1 }, () => say("waitingFor", { title: title() })),
    el("p", { class: "muted" }, t("waitingText")));
}
