// In the room: the event's current poll, the wait for one, and the way to each next.

import { untrack } from "svelte";
import { tokenOf } from "../api/identity";
import type { Room } from "../live/room.svelte";
import { accentOf } from "./accent.svelte";
import { Aloud } from "./aloud.svelte";
import type { Ballots } from "./ballots.svelte";
import { el, part } from "./dom.svelte";
import { foot, scene, top } from "./frame.svelte";
import { join } from "./join.svelte";
import { place } from "./place.svelte";
import { pollView } from "./poll.svelte";
import { visited } from "./visited";
import { say, t } from "./words.svelte";

export function hall(code: string, room: Room, ballots: Ballots): HTMLElement {
  const aloud = new Aloud();
  $effect(() => () => { room.close(); aloud.close(); });
  $effect(() => { if (room.event) visited(room.event); });
  accentOf(() => room.event?.accent ?? null);

  const studio = () => {
    const { event, poll } = room;
    return event && tokenOf(event.id, poll?.id) ? `/studio#${event.lone ? "poll" : "event"}=${event.id}` : null;
  };
  const shown = () => room.gone ? "gone" : room.poll?.id ?? (room.event && !room.event.current ? "waiting" : "");
  let before = "";
  const view = (now: string) => {
    const followed = before !== "";
    before = now;
    switch (now) {
      case "": return bones();
      case "gone": return join(code);
      case "waiting": return waiting(room);
    }
    if (followed) arrive(aloud, room.poll!.question);
    if (followed || place.moved) focusHeading();
    return pollView(room, ballots, followed, aloud);
  };
  return scene(
    top(() => room.event, room.link), part(shown, view),
    // Made anew with what stands above it: it belongs there, and has not moved.
    part(shown, (now) => (now === "" ? null : foot(studio))),
    el("p", { class: "hush", "aria-live": "polite" }, () => aloud.words));
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
  $effect(() => { document.title = `${title()} · Pollux`; });
  const followed = untrack(() => room.poll !== null);
  return el("main", { class: followed ? "waiting arrive" : "waiting" },
    el("div", { class: "stars", "aria-hidden": "true" }, el("i"), el("i")),
    el("h1", { tabindex: -1 }, () => say("waitingFor", { title: title() })),
    el("p", { class: "muted" }, t("waitingText")));
}
