// One poll: the question, the options with their bars, and what became of the vote.

import { untrack } from "svelte";
import type { Poll } from "../api/generated";
import type { Room } from "../live/room.svelte";
import type { Aloud } from "./aloud.svelte";
import { takesVotes, type Ballot } from "./ballot.svelte";
import type { Ballots } from "./ballots.svelte";
import { dock } from "./dock.svelte";
import { el } from "./dom.svelte";
import { closing } from "./closing.svelte";
import { optionsView } from "./options";
import { summary, turnout } from "./results";
import { table } from "./table.svelte";
import { say } from "./words.svelte";

/** A question of more characters is set smaller. */
const LONG = 120;
/** A question that comes under somebody's finger takes no tap at first, in milliseconds. */
const SETTLE = 450;

/** What is marked and what is sent, in one poll. */
export class Voting {
  #poll: () => Poll;
  /** What is marked, but not sent. */
  #draft = $state.raw<number[] | null>(null);
  readonly ballot: Ballot;

  readonly poll = $derived.by(() => this.#poll());
  /** Whether a vote would be taken now. */
  readonly open = $derived.by(() => takesVotes(this.poll, this.ballot));
  readonly picked: number[] = $derived.by(() => (this.open && this.#draft) || this.ballot.chosen);
  /** Whether other options are marked than were sent. */
  readonly changing = $derived.by(() => this.#draft !== null && this.picked.join() !== this.ballot.chosen.join());
  /** Whether no more may be marked. */
  readonly full = $derived(this.poll.kind === "multiple" && this.picked.length >= this.poll.maxChoices);

  constructor(poll: () => Poll, ballot: Ballot) {
    this.#poll = poll;
    this.ballot = ballot;
  }

  /** Mark an option, or take the mark away; where there is one choice, a tap sends it. */
  mark(id: number, send: boolean) {
    const { picked } = this;
    if (this.poll.kind === "single") this.#draft = [id];
    else this.#draft = picked.includes(id) ? picked.filter((other) => other !== id) : [...picked, id].sort((a, b) => a - b);
    if (send && this.poll.kind === "single") this.cast();
  }

  cast() {
    if (this.open && this.#draft?.length) this.ballot.cast(this.#draft);
    this.#draft = null;
  }

  /** A new round begins from nothing. */
  round(round: number) {
    this.ballot.round(round);
    this.#draft = null;
  }
}

export function pollView(room: Room, ballots: Ballots, followed: boolean, aloud: Aloud): HTMLElement {
  const first = room.poll!;
  // The room may be on its way to the next one.
  const poll = $derived(room.poll?.id === first.id ? room.poll : first);
  const voting = new Voting(() => poll, ballots.of(first));
  const { ballot } = voting;

  $effect(() => { document.title = `${poll.question} · Pollux`; });
  $effect(() => {
    const { round } = poll;
    untrack(() => voting.round(round));
  });
  $effect(() => {
    const words = summary(poll);
    if (words) untrack(() => aloud.later(words));
  });
  showAfterVote(room, voting);

  let settling = $state(followed);
  if (followed) setTimeout(() => { settling = false; }, SETTLE);

  return el("main", { class: followed ? "arrive" : null },
    el("div", {},
      el("p", { class: "line" },
        el("strong", { class: () => `status ${poll.status}` }, () => status(poll)), closing(() => poll)),
      el("h1", { id: "question", dir: "auto", tabindex: -1, class: first.question.length > LONG ? "long" : null }, () => poll.question),
      el("p", { class: "line muted number" }, el("span", { class: "cut" }, () => turnout(poll)))),
    el("form", { inert: () => settling, onsubmit: (event: Event) => { event.preventDefault(); voting.cast(); } },
      optionsView(voting),
      dock(voting, () => ballots.waiting(ballot))),
    table(() => poll));
}

const status = (poll: Poll) => say(poll.status === "open" ? "openStatus" : poll.final ? "final" : "closing");

/** Results after the vote: the voter of a connection is the one it was opened by, so it is opened anew. */
function showAfterVote(room: Room, voting: Voting) {
  let asked = "";
  $effect(() => {
    const { poll, ballot } = voting;
    if (poll.results !== "afterVote" || poll.totalVoters !== null || !ballot.stands) return;
    const vote = `${ballot.now.sent?.ballotId} ${ballot.now.state}`;
    if (vote !== asked) room.again();
    asked = vote;
  });
}
