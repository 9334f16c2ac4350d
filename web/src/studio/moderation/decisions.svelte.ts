// Keeps what an organiser has decided about words and the server has not shown yet. A decision counts on the
// page at once. It waits to be sent, is sent together with others, and is taken back if the server refuses it.

import type { Problem } from "../../api/call";
import type { OwnersWord, WordList, WordsVerdict } from "../../api/generated";

/** `Decided` is what can be decided about a word. */
export type Decided = "shown" | "hidden" | "erased";
/** The lists of a request, by which a word is shown, hidden or erased, or nothing is decided about it any more. */
const LISTS = ["show", "hide", "erase", "clear"] as const;
type List = (typeof LISTS)[number];
const LIST: Record<Decided, List> = { shown: "show", hidden: "hide", erased: "erase" };
/** A `Tab` is a list in which words of one state stand. Erased words stand in none: nothing of them can be read. */
export type Tab = "waiting" | "shown" | "hidden";
/** `Counts` says how many words are in each state. */
export type Counts = Pick<WordList, OwnersWord["state"]>;

/** The most words that one request may decide about. */
export const BATCH = 500;
/** A list that was read so often after a decision is believed, whatever its version says. */
const BELIEVED = 3;

/**
 * A `Decision` is what becomes of a word, with the word as it was before. `known` is the version of the poll that
 * has it, once the server has taken it; `unbelieved` is how many lists without it are not believed.
 */
type Decision = {
  readonly word: OwnersWord;
  readonly to: OwnersWord["state"];
  readonly list: List;
  readonly step: "waits" | "sent" | "taken";
  readonly known: number;
  readonly unbelieved: number;
};
/**
 * A `Past` is a decision that can be undone, with the word as it is after it. `back` is the list that brings back
 * what was before, and `at` the row in which the word stood.
 */
type Past = {
  readonly word: OwnersWord;
  readonly to: "shown" | "hidden";
  readonly back: "show" | "hide" | "clear";
  readonly at: number;
};
/** An `End` is after what nothing can be undone: a word is erased, or somebody else has decided about it. */
type End = { readonly word: OwnersWord; readonly elsewhere: boolean };
/** A `Batch` is what one request decides, by the ids of the words. */
export type Batch = ReadonlyMap<string, Decision>;

/** Holds the decisions of one page about the words of one poll. */
export class Decisions {
  #all = $state.raw<ReadonlyMap<string, Decision>>(new Map());
  /** What can be undone, the latest last. */
  #past = $state.raw<readonly Past[]>([]);
  #end = $state.raw<End | null>(null);
  /** The words that this page has shown. */
  #approved = new Set<string>();

  /** How many decisions the server has not answered. */
  readonly unanswered = $derived([...this.#all.values()].filter(({ step }) => step !== "taken").length);
  /** The latest decision that can be undone. */
  readonly last = $derived(this.#past.at(-1) ?? null);
  /** Why nothing can be undone, after decisions that could have been. */
  readonly end = $derived(this.#end);
  /** The word of which the page tells how it stands. */
  readonly told = $derived(this.last?.word.id ?? (this.#end?.elsewhere ? this.#end.word.id : null));

  /** Returns whether the server has not shown yet what was decided about this word. */
  has = (id: string): boolean => this.#all.has(id);

  /** Returns the word as it is after the decisions. */
  after(word: OwnersWord): OwnersWord {
    const to = this.#all.get(word.id)?.to;
    return !to || word.state === "erased" ? word : { ...word, state: to };
  }

  /** Returns how many words are in each state after the decisions. */
  counts({ waiting, shown, hidden, erased }: Counts): Counts {
    const counts = { waiting, shown, hidden, erased };
    for (const { word, to } of this.#all.values()) {
      counts[word.state]--;
      counts[to]++;
    }
    return counts;
  }

  /**
   * Decides about a word in a row; returns whether that changes anything. With `approved`, a word is shown only
   * because somebody has decided it; otherwise it may be so because nobody has decided anything.
   */
  decide(word: OwnersWord, to: Decided, approved: boolean, at = 0): boolean {
    const now = this.after(word);
    if (now.state === to || now.state === "erased") return false;
    this.#add(word, to, LIST[to]);
    if (to === "erased") {
      // The page keeps nothing of what nobody shall read.
      this.#past = [];
      this.#end = { word: { ...word, text: null, state: to }, elsewhere: false };
      return true;
    }
    const kept = approved || this.#approved.has(word.id);
    const back = now.state === "hidden" ? "hide" : now.state === "shown" && kept ? "show" : "clear";
    this.#past = [...this.#past, { word: { ...word, state: to }, to, back, at }];
    this.#end = null;
    if (to === "shown") this.#approved.add(word.id);
    return true;
  }

  /** Returns how the word of the latest decision is once that is undone. */
  before({ back }: Pick<Past, "back">, approve: boolean): OwnersWord["state"] {
    return back === "show" ? "shown" : back === "hide" ? "hidden" : approve ? "waiting" : "shown";
  }

  /** Brings back what was before the latest decision; returns the word as it is then, or null if there was none. */
  undo(approve: boolean): OwnersWord | null {
    const { last } = this;
    if (!last) return null;
    const { word, back } = last,
      state = this.before(last, approve);
    this.#past = this.#past.slice(0, -1);
    if (back === "clear") this.#approved.delete(word.id);
    this.#add(word, state, back);
    return { ...word, state };
  }

  #add(word: OwnersWord, to: Decision["to"], list: List) {
    // The counts are those before the first decision that the server has not shown, so that word stays.
    const before = this.#all.get(word.id)?.word ?? word;
    const decision: Decision = { word: before, to, list, step: "waits", known: 0, unbelieved: BELIEVED };
    this.#all = new Map([...this.#all].filter(([id]) => id !== word.id)).set(word.id, decision);
  }

  /** Returns the next decisions to send, in the order in which they were made; null if there are none. */
  next(): { batch: Batch; body: WordsVerdict } | null {
    const waiting = [...this.#all].filter(([, { step }]) => step === "waits").slice(0, BATCH);
    if (!waiting.length) return null;
    const batch = new Map(waiting.map(([id, decision]) => [id, { ...decision, step: "sent" as const }]));
    this.#all = new Map([...this.#all, ...batch]);
    const ids = (of: List) => [...batch].filter(([, { list }]) => list === of).map(([id]) => id);
    const lists = LISTS.map((of) => [of, ids(of)] as const).filter(([, { length }]) => length);
    return { batch, body: Object.fromEntries(lists) };
  }

  /** Notes that the server has taken these; the poll has them from this version on. */
  taken(batch: Batch, known: number) {
    this.#replace(batch, (decision) => ({ ...decision, step: "taken", known }));
  }

  /**
   * Takes back what the server has refused, and returns it. What was refused only because it was sent together
   * with that waits to be sent again.
   */
  refused(batch: Batch, body: WordsVerdict, problem: Problem): Decision[] {
    const named = new Set((problem.errors ?? []).flatMap(({ pointer }) => idsAt(pointer, body)));
    const isNamed = (id: string) => named.size === 0 || named.has(id);
    const back = [...batch].filter(([id, sent]) => isNamed(id) && this.#all.get(id) === sent);
    this.#replace(batch, (decision, id) => (isNamed(id) ? null : { ...decision, step: "waits" }));
    const gone = new Set(back.map(([id]) => id));
    this.#past = this.#past.filter(({ word }) => !gone.has(word.id));
    if (this.#end && gone.has(this.#end.word.id)) this.#end = null;
    for (const id of gone) this.#approved.delete(id);
    return back.map(([, decision]) => decision);
  }

  /** Replaces those of a batch about which nothing else was decided meanwhile. */
  #replace(batch: Batch, by: (decision: Decision, id: string) => Decision | null) {
    this.#all = new Map(
      [...this.#all].flatMap(([id, decision]): [string, Decision][] => {
        const now = batch.get(id) === decision ? by(decision, id) : decision;
        return now ? [[id, now]] : [];
      }),
    );
  }

  /**
   * Takes in a list that was asked for after every answer that is here. Forgets what the list has already, and
   * returns the ids of those words.
   */
  read(list: WordList): Set<string> {
    const words = new Map(list.words.map((word) => [word.id, word]));
    const had = new Set<string>();
    this.#all = new Map(
      [...this.#all].flatMap(([id, decision]): [string, Decision][] => {
        const { step, known, unbelieved } = decision;
        if (step === "taken" && (list.version >= known || unbelieved <= 1)) {
          had.add(id);
          return [];
        }
        const word = words.get(id) ?? decision.word;
        return [[id, { ...decision, word, unbelieved: unbelieved - Number(step === "taken") }]];
      }),
    );
    return had;
  }

  /**
   * Takes in how words stand by now, after `read`. What somebody else has turned around meanwhile can be undone no
   * more; if it was the latest decision, nothing can, so that no undo is about a word that the page does not name.
   */
  hear(words: readonly OwnersWord[]) {
    for (const word of words) {
      if (this.#all.has(word.id)) continue;
      if (this.#end?.elsewhere && this.#end.word.id === word.id) this.#end = { word, elsewhere: true };
      const mine = this.#past.findLast((past) => past.word.id === word.id);
      if (!mine || mine.to === word.state) continue;
      this.#approved.delete(word.id);
      if (mine === this.last) {
        this.#past = [];
        this.#end = { word, elsewhere: true };
      } else this.#past = this.#past.filter((past) => past.word.id !== word.id);
    }
  }

  /** Forgets everything: the words are those of another round. */
  clear() {
    this.#all = new Map();
    this.#past = [];
    this.#end = null;
    this.#approved.clear();
  }
}

/** Returns the ids at a place of a request, such as `/show/0` or `/erase`. */
function idsAt(pointer: string, body: WordsVerdict): string[] {
  const [, of, index] = pointer.split("/");
  const list = LISTS.find((one) => one === of);
  const ids = (list && body[list]) ?? [];
  return index === undefined ? ids : ids.slice(Number(index), Number(index) + 1);
}
