// Keeps what is marked and not sent. It belongs to one tab, where it outlives a reload, and to one ballot
// paper: on another one, as of a new round or of a poll that asks about something else by now, the marks would
// mean something else.
//
// What is sent is not marked any more, and is kept all the same: should it have come too late, it is there
// again once the poll reopens.

import { recall, remember, tab } from "../ui/storage";
import { USUAL, type Answer, type Mark } from "./kind";

/** `Marks` is what is kept; `sent` is the poll's phase when it was sent. */
type Marks = { paper: string; answer: Answer<Mark>; sent?: number };
/** `Earlier` is what a page of an earlier release kept. */
type Earlier = { paper: string } & Record<typeof USUAL, number[]>;

/** Keeps the marks in one poll that are not sent. */
export class Draft {
  /** The name in this tab's storage: another tab may be in the middle of other marks. */
  #name: string;
  #now = $state.raw<Marks | null>(null);

  constructor(poll: string) {
    this.#name = `draft.${poll}`;
    const kept = recall<Marks | Earlier>(this.#name, tab);
    this.#now = kept && USUAL in kept ? { paper: kept.paper, answer: kept[USUAL] } : kept;
  }

  /** Returns what is marked on this paper; null when nothing is. */
  on(paper: string): Answer<Mark> | null {
    return this.#now?.sent === undefined ? this.#of(paper) : null;
  }

  /** Returns what was sent of this paper before the poll came into this phase. */
  sentBefore(phase: number, paper: string): Answer<Mark> | null {
    return (this.#now?.sent ?? phase) < phase ? this.#of(paper) : null;
  }

  #of(paper: string): Answer<Mark> | null {
    return this.#now?.paper === paper ? this.#now.answer : null;
  }

  mark(paper: string, answer: Answer<Mark>) {
    this.#keep({ paper, answer });
  }

  /** Notes that what is marked is sent, in this phase of the poll. */
  send(phase: number) {
    if (this.#now) this.#keep({ ...this.#now, sent: phase });
  }

  #keep(marks: Marks) {
    this.#now = marks;
    remember(this.#name, marks, tab);
  }
}
