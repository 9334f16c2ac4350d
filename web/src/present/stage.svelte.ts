// Keeps the state of a stage: the room that it shows, what is on its screen, and what may be done with the
// token that it came with.

import { untrack } from "svelte";
import { explain, type Answer } from "../api/call";
import { persist } from "../api/change.svelte";
import type { Event } from "../api/generated";
import { arrived, keepToken, tokenOf } from "../api/identity";
import { getEvent, revealPoll, showPoll } from "../api/operations";
import { onStage } from "../kinds/on-stage";
import { Room } from "../live/room.svelte";
import { Doorway } from "./doorway.svelte";
import { Heartbeat } from "./pulse.svelte";
import { Replay } from "./replay.svelte";
import { Zoom } from "./zoom.svelte";

/** How long a notice to whoever runs the stage stays, in milliseconds. */
const NOTICE = 5_000;

/** Whether the address asks for this. */
const wants = (name: string) => new URLSearchParams(location.search).get(name) === "1";

/** The name under which a stage's token is kept: not that of the owner's, who may do more with it. */
const tokenName = (id: string) => `stage.${id}`;

/** Returns the poll after the one that is shown, or before it. */
function beside({ polls, current }: Event, by: 1 | -1) {
  const here = polls.findIndex(({ id }) => id === current);
  return here < 0 && by < 0 ? polls.at(-1) : polls[here + by];
}

/** Holds what one stage shows, and changes it. */
export class Stage {
  readonly room: Room;
  readonly door = new Doorway();
  readonly replay = new Replay();
  readonly zoom = new Zoom();
  readonly heart: Heartbeat;

  /** What is open: the join screen over everything, the bars alone, or the list of keys. */
  joining = $state(false);
  bare = $state(false);
  /** Whether results are listed that are shown as a picture otherwise. */
  listed = $state(false);
  help = $state(false);
  /** Whether the winner gets confetti: asked for in the address, or by key. */
  festive = $state(wants("confetti"));
  asked = $state(false);
  /** Whether the proof of the result stands under the bars: asked for in the address, or by key. */
  proving = $state(wants("proof"));
  notice = $state("");
  #token = $state<string | null>(null);
  #silence: ReturnType<typeof setTimeout> | undefined;

  /** `id` is an event's or poll's id or code, as it stands in the address. */
  constructor(id: string) {
    if (arrived.token) keepToken(tokenName(id), arrived.token);
    this.#token = arrived.token ?? tokenOf(tokenName(id), id);
    this.room = new Room(id, () => (this.#token ? [this.#token] : []));
    this.heart = new Heartbeat(() => this.event && { event: this.event.id, token: this.#token });
    $effect(() => this.#findToken());
    $effect(() => {
      if (this.room.link.state === "live") void this.door.ask();
    });
    const shown = $derived(`${this.poll?.id} ${this.poll?.final}`);
    $effect(() => {
      void shown;
      untrack(() => this.replay.leave());
    });
    $effect(() => () => this.room.close());
  }

  readonly event = $derived.by(() => this.room.event);
  readonly poll = $derived.by(() => this.room.poll);
  readonly code = $derived.by(() => this.event?.code ?? this.poll?.code ?? this.event?.id ?? "");
  /** How many have joined: this page is one of those who watch. */
  readonly joined = $derived.by(() => {
    const { watchers } = this.heart;
    return watchers === null ? null : Math.max(0, watchers - (this.room.link.state === "live" ? 1 : 0));
  });
  readonly mayRun = $derived.by(() => this.#token !== null);

  say(words: string) {
    clearTimeout(this.#silence);
    this.notice = words;
    this.#silence = setTimeout(() => {
      this.notice = "";
    }, NOTICE);
  }

  async reveal() {
    const { poll } = this;
    if (!poll) return;
    if (poll.revealed) return this.say("The results are shown already.");
    if (!this.#token) return this.say("Revealing takes the stage's or the owner's link: open it once in this browser.");
    const answer = await revealPoll({ path: { id: poll.id }, token: this.#token });
    if (answer.ok) this.room.take(answer.data);
    else this.#refused(answer);
  }

  /**
   * Goes to the next poll of the event, or to the one before, from what is on the screen. Until that has
   * changed, another press asks for the same step.
   */
  async step(by: 1 | -1) {
    const { event } = this;
    if (!event) return;
    if (event.lone) return this.say("This poll stands alone: there is no other one to show.");
    if (!this.#token) return this.say("Turning takes the stage's or the owner's link: open it once in this browser.");
    const next = beside(event, by) ?? (await this.#amongDrafts(event, by));
    if (next === null) return;
    if (!next)
      return this.say(by > 0 ? "That is the last poll of this event." : "That is the first poll of this event.");
    const answer = await showPoll({
      path: { id: event.id },
      body: { poll: next.id, from: event.current },
      token: this.#token,
    });
    if (answer.ok) this.room.takeEvent(answer.data);
    else this.#refused(answer);
  }

  /**
   * Finds a poll that this page does not know of yet: the drafts that its token shows come a moment after the
   * rest. Null when the step has been made meanwhile, or when there is no answer whether there is such a
   * poll.
   */
  async #amongDrafts(event: Event, by: 1 | -1) {
    const { answer } = await persist(() => getEvent({ path: { id: event.id }, token: this.#token }));
    if (!answer.ok) {
      this.#refused(answer);
      return null;
    }
    this.room.takeEvent(answer.data);
    return answer.data.current === event.current ? beside(answer.data, by) : null;
  }

  /** Starts the replay, holds it, or goes on. */
  async again() {
    const { poll, replay } = this;
    if (!poll || replay.loading) return;
    this.joining = false;
    if (replay.recording) return replay.toggle();
    const { unreplayed } = onStage(poll);
    if (unreplayed) return this.say(unreplayed);
    if (!poll.final) return this.say("The vote can be shown again once it is closed and counted.");
    if (!poll.revealed) return this.say("The vote can be shown again once its results are revealed.");
    const fault = await replay.begin(poll.id, this.#token);
    if (fault) this.say(fault);
  }

  /** Shows the results as a list, or as a picture again. */
  list() {
    if (this.poll && !onStage(this.poll).lists) return this.say("These results are a list already.");
    this.listed = !this.listed;
  }

  /** Switches confetti on or off. */
  celebrate() {
    this.festive = this.asked = !this.festive;
    if (!this.festive) this.say("No confetti.");
    else if (!this.poll?.final) this.say("There will be confetti for the winner.");
  }

  /**
   * Finds the token under the event or the poll, because it need not be kept under the name in the address.
   */
  #findToken() {
    const { event } = this;
    if (!event) return;
    if (arrived.token) keepToken(tokenName(event.id), arrived.token);
    if (this.#token) return;
    this.#token = tokenOf(tokenName(event.id), event.id, event.code, event.current);
    if (this.#token) this.room.again();
  }

  #refused(answer: Answer<unknown> & { ok: false }) {
    if (!answer.status) return this.say("The server does not answer. Try again.");
    // Which field is wrong matters to whoever writes the poll, and not to the hall.
    this.say(
      answer.problem.errors?.length ? "This poll cannot be shown yet: see it in the studio." : explain(answer.problem),
    );
  }
}
