// One poll: the question, the ballot paper with the numbers so far, and what became of the vote.

import type { Poll } from "../api/generated";
import type { Room } from "../live/room.svelte";
import type { Aloud } from "./aloud.svelte";
import { takesVotes, type Ballot } from "./ballot.svelte";
import type { Ballots } from "./ballots.svelte";
import { dock } from "./dock.svelte";
import { el, follow, part } from "./dom.svelte";
import { closing } from "./closing.svelte";
import { oneTap, type Answer, type BallotKind } from "./kind";
import { kinds } from "./kinds.svelte";
import { summary, turnout } from "./results";
import { table } from "./table.svelte";
import { say } from "./words.svelte";

/** A question of more characters is set smaller. */
const LONG = 120;
/** A question that comes under somebody's finger takes no tap at first, in milliseconds. */
const SETTLE = 450;

/** What is marked and what is sent, in one poll. */
export class Voting<P extends Poll = Poll> {
  #poll: () => P;
  readonly kind: BallotKind<P>;
  readonly ballot: Ballot;

  readonly poll = $derived.by(() => this.#poll());
  readonly paper = $derived.by(() => JSON.stringify(this.kind.printed(this.poll)));
  /** Whether a tap marks and a button sends: where a tap is not all, and where no vote can be taken back. */
  readonly twoSteps = $derived(!oneTap(this.poll) || this.poll.revote === "refuse");
  #page = $derived(`${this.poll.round} ${this.paper}`);
  /** What is marked, but not sent; or was sent too late, and the poll has moved on since: it may be open again. */
  #draft = $derived.by(() => {
    const { draft, now } = this.ballot;
    return draft.on(this.#page) ?? (now.state === "late" ? draft.sentBefore(this.poll.phase ?? 0, this.#page) : null);
  });
  /** Whether a vote would be taken now. */
  readonly open = $derived.by(() => takesVotes(this.poll, this.ballot));
  readonly picked: Answer = $derived.by(() => (this.open && this.#draft) || this.ballot.chosen);
  /** How many marks there are. */
  readonly marked = $derived(this.picked.filter((mark) => mark !== null).length);
  /** Whether something else is marked than was sent. */
  readonly changing = $derived.by(() => this.#draft !== null && this.picked.join() !== this.ballot.chosen.join());

  constructor(kind: BallotKind<P>, poll: () => P, ballot: Ballot) {
    this.kind = kind;
    this.#poll = poll;
    this.ballot = ballot;
  }

  /** This is marked from now on, none of it if it is empty; `send`: at once, unless that takes a second step. */
  mark(answer: Answer, send: boolean) {
    this.ballot.draft.mark(this.#page, answer);
    if (send && !this.twoSteps) this.cast();
  }

  /** Send what is marked. While nothing can be sent the marks stay. */
  cast() {
    const answer = this.#draft;
    if (!this.open || !answer?.length) return;
    this.ballot.draft.send(this.poll.phase ?? 0);
    this.ballot.cast(answer, this.kind.member);
  }
}

/** `receipt` shows the receipt of the ballot, at the wish of this button. */
export function pollView(room: Room, ballots: Ballots, followed: boolean, aloud: Aloud, receipt: (voting: Voting, button: HTMLElement) => void): HTMLElement {
  const first = room.poll!;
  // The room may be on its way to the next one.
  const poll = $derived(room.poll?.id === first.id ? room.poll : first);
  const voting = new Voting(kinds.of(first.kind)!, () => poll, ballots.of(first));
  const { ballot } = voting;

  follow(() => `${poll.question} · Pollux`, (title) => { document.title = title; });
  follow(() => poll.round, (round) => ballot.round(round));
  follow(() => summary(poll, voting.kind.lead(poll)), (words) => { if (words) aloud.later(words); });
  showAfterVote(room, voting);

  let settling = $state(followed);
  if (followed) setTimeout(() => { settling = false; }, SETTLE);

  return el("main", { class: followed ? "arrive" : null },
    el("div", {},
      el("p", { class: "line" },
        el("strong", { class: () => `status ${poll.status}` }, () => status(poll)), closing(() => poll)),
      el("h1", { id: "question", dir: "auto", tabindex: -1, class: () => (poll.question.length > LONG ? "long" : null) }, () => poll.question),
      el("p", { class: "line muted number" }, el("span", { class: "cut" }, () => turnout(poll)))),
    // Another paper is another form; one that is the same is never made anew.
    part(() => voting.paper, () => form(voting, () => settling, () => dock(voting, () => ballots.waiting(ballot), (button) => receipt(voting, button)))),
    part(() => voting.paper, () => table(() => poll, voting.kind)));
}

function form(voting: Voting, settling: () => boolean, dock: () => HTMLElement): HTMLElement {
  // Closed, nothing here takes the focus; whoever had it has it again when the close is taken back. Where it is is seen
  // before anything is disabled, and it is given back after everything works.
  let focused: HTMLElement | null = null;
  follow(() => voting.open, (open) => {
    const { activeElement } = document;
    if (!open) focused = activeElement?.closest("form") ? activeElement as HTMLElement : null;
  });
  const whole = el("form", { inert: settling, onsubmit: (event: Event) => { event.preventDefault(); voting.cast(); } },
    voting.kind.paper(voting), dock());
  follow(() => voting.open, (open) => {
    if (open && document.activeElement === document.body) focused?.focus({ preventScroll: true });
  });
  return whole;
}

const status = (poll: Poll) => say(poll.status === "open" ? "openStatus" : poll.final ? "final" : "closing");

/** Results after the vote: the voter of a connection is the one it was opened by, so it is opened anew. */
function showAfterVote(room: Room, voting: Voting) {
  let asked = "";
  const vote = () => {
    const { poll, ballot } = voting;
    const hidden = poll.results === "afterVote" && poll.totalVotes === null && ballot.voted;
    return hidden ? `${ballot.now.sent?.ballotId} ${ballot.now.state}` : "";
  };
  follow(vote, (vote) => {
    if (!vote || vote === asked) return;
    asked = vote;
    room.again();
  });
}
