// Keeps what an organiser has decided about words and the server has not shown yet. A decision counts on the
// page at once. It waits to be sent, is sent together with others, and is taken back if the server refuses it.

import type { Problem } from "../../api/call";
import type { OwnersWord, WordList, WordsVerdict } from "../../api/generated";

/** What can be decided about a word. */
export type Decided = "shown" | "hidden" | "erased";
/** The lists in which words stand, by their state. Erased words stand in none: nothing of them can be read. */
export type Tab = "waiting" | "shown" | "hidden";
/** How many words are in each state. */
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
  readonly to: Decided;
  readonly step: "waits" | "sent" | "taken";
  readonly known: number;
  readonly unbelieved: number;
};
/** A `Batch` is what one request decides, by the ids of the words. */
export type Batch = ReadonlyMap<string, Decision>;

/** Holds the decisions of one page about the words of one poll. */
export class Decisions {
  #all = $state.raw<ReadonlyMap<string, Decision>>(new Map());
  /** What can be undone, the latest last. */
  #past = $state.raw<readonly { word: OwnersWord; to: "shown" | "hidden" }[]>([]);

  /** How many decisions the server has not answered. */
  readonly unanswered = $derived([...this.#all.values()].filter(({ step }) => step !== "taken").length);
  /** The latest decision that can be undone. */
  readonly last = $derived(this.#past.at(-1) ?? null);

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

  /** Decides about a word; returns whether that changes anything. */
  decide(word: OwnersWord, to: Decided): boolean {
    const now = this.after(word);
    if (now.state === to || now.state === "erased") return false;
    this.#add(word, to);
    this.#past = this.#past.filter((past) => past.word.id !== word.id);
    if (to !== "erased") this.#past = [...this.#past, { word: { ...word, state: to }, to }];
    return true;
  }

  /** Turns the latest decision around; returns the word as it is then, or null if there was none. */
  undo(): OwnersWord | null {
    const last = this.#past.at(-1);
    if (!last) return null;
    this.#past = this.#past.slice(0, -1);
    const to = last.to === "shown" ? "hidden" : "shown";
    this.#add(last.word, to);
    return { ...last.word, state: to };
  }

  #add(word: OwnersWord, to: Decided) {
    // The counts are those before the first decision that the server has not shown, so that word stays.
    const before = this.#all.get(word.id)?.word ?? word;
    const decision: Decision = { word: before, to, step: "waits", known: 0, unbelieved: BELIEVED };
    this.#all = new Map([...this.#all].filter(([id]) => id !== word.id)).set(word.id, decision);
  }

  /** Returns the next decisions to send, in the order in which they were made; null if there are none. */
  next(): { batch: Batch; body: WordsVerdict } | null {
    const waiting = [...this.#all].filter(([, { step }]) => step === "waits").slice(0, BATCH);
    if (!waiting.length) return null;
    const batch = new Map(waiting.map(([id, decision]) => [id, { ...decision, step: "sent" as const }]));
    this.#all = new Map([...this.#all, ...batch]);
    const ids = (of: Decided) => [...batch].filter(([, { to }]) => to === of).map(([id]) => id);
    const [show, hide, erase] = [ids("shown"), ids("hidden"), ids("erased")];
    return {
      batch,
      body: { ...(show.length && { show }), ...(hide.length && { hide }), ...(erase.length && { erase }) },
    };
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

  /** Forgets everything: the words are those of another round. */
  clear() {
    this.#all = new Map();
    this.#past = [];
  }
}

/** Returns the ids at a place of a request, such as `/show/0` or `/erase`. */
function idsAt(pointer: string, body: WordsVerdict): string[] {
  const [, list, index] = pointer.split("/");
  const ids = (list === "show" || list === "hide" || list === "erase" ? body[list] : null) ?? [];
  return index === undefined ? ids : ids.slice(Number(index), Number(index) + 1);
}
