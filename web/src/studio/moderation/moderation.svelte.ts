// Holds the lists of a poll's words while an organiser decides about them, and others do the same elsewhere.
//
// Requests go out one after another: decisions first, then the list. So a list that comes back has every
// decision that was answered before, and no word flickers.

import { untrack } from "svelte";
import { explain, SILENT, type Answer, type Problem } from "../../api/call";
import { persist } from "../../api/change.svelte";
import type { ListWordsData, OwnersWord, WordList, Poll, WordsVerdict } from "../../api/generated";
import type { WordsPoll } from "../../kinds/kind";
import { BATCH, Decisions, type Batch, type Counts, type Decided, type Tab } from "./decisions.svelte";
import { matches, searched } from "./matching";
import { partly, told } from "./sentences";

/** The words of a page, and the most on the screen at once. */
const PAGE = 100,
  MOST = 300;
/** The most words that are searched. */
const SEARCHED = 20 * BATCH;
/** The shortest time between two reads of a list, in milliseconds; of a long list it is so for each page. */
const PACE = 1_000;
/** The longest pause before a list is asked for again that nobody has sent, in milliseconds. */
const LONGEST = 8_000;

/** How long an answer to decisions may take until the page says that they wait, in milliseconds. */
const SLOW = 2_000;

/** `Ways` are the requests by which the lists and the decisions travel. */
export type Ways = {
  list: (query: ListWordsData["query"]) => Promise<Answer<WordList>>;
  send: (verdict: WordsVerdict) => Promise<Answer<Poll>>;
  /** Takes the poll that an answer brought. */
  take: (poll: Poll) => void;
};
/** A `Row` is a word on the screen. `elsewhere` tells that it has left this list without this page's doing. */
/** `Followed` is what is followed of a poll. */
type Followed = Pick<WordsPoll, "version" | "round" | "approve">;
export type Row = { readonly word: OwnersWord; readonly elsewhere: boolean };
/** A `Window` is a part of a list: so many words from a cursor on. */
type Window = { readonly from: string | null; readonly size: number };

const NONE: Counts = { waiting: 0, shown: 0, hidden: 0, erased: 0 };

/** Lets one page moderate one poll. */
export class Moderation {
  readonly decisions = new Decisions();
  #tab = $state<Tab>("waiting");
  #search = $state("");
  /** The newest list of the server, or what was found in it; null until it has come. */
  #list = $state.raw<readonly OwnersWord[] | null>(null);
  /** The words in the order in which they are on the screen. */
  #order = $state.raw<readonly OwnersWord[]>([]);
  #counts = $state.raw<Counts>(NONE);
  #next = $state.raw<string | null>(null);
  #windows = $state.raw<readonly Window[]>([{ from: null, size: PAGE }]);
  #wanted = $state<string | null>(null);
  /** Whether a list that was asked for has come. */
  fresh = $state(false);
  /** Whether nobody has sent the list lately, and since when the one that is shown is old. */
  silentSince = $state<Date | null>(null);
  /** What the server has refused, in words. */
  trouble = $state("");
  /** The way of a job that takes many requests. */
  progress = $state.raw<{ done: number; of: number } | null>(null);
  /** Whether words were left out of a search because there are too many. */
  cut = $state(false);

  /** Whether the counts have come. */
  known = $state(false);
  /** Whether decisions have been under way for long. */
  #slow = $state(false);

  /** Whether new words wait for approval, and the version of the poll since which that is so. */
  #approve = $state(false);
  #since = 0;
  /** Whether every word that the list has as shown was approved, for the list is one of a time with approval. */
  #approved = false;

  /** Whether somebody has a hand or the focus on the list, under which no row may move. */
  #held = false;
  #ways: Ways;
  #closed = false;
  #working = false;
  #due = true;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #earliest = 0;
  #pause = PACE;
  /** It is raised with every change of what is asked for. */
  #turn = 0;
  #version: string | null = null;
  #heard = Date.now();
  #jobs: (() => Promise<void>)[] = [];

  readonly counts = $derived(this.decisions.counts(this.#counts));
  readonly rows = $derived.by((): readonly Row[] => {
    const now = new Map((this.#list ?? this.#order).map((word) => [word.id, word]));
    return this.#order
      .map((word) => ({ word: this.decisions.after(now.get(word.id) ?? word), elsewhere: this.#gone(now, word) }))
      .filter(({ word }) => word.state === this.#tab);
  });
  #gone = (now: ReadonlyMap<string, OwnersWord>, { id }: OwnersWord) => !now.has(id) && !this.decisions.has(id);
  /** How the word of the latest decision is once that is undone; null if nothing can be undone. */
  readonly back = $derived.by(() => {
    const { last } = this.decisions;
    return last && this.decisions.before(last, this.#approve);
  });
  /** The row that has the focus, or gets it. */
  readonly current = $derived(this.rows.find(({ word }) => word.id === this.#wanted) ?? this.rows[0] ?? null);
  /** How many words have come that are not on the screen yet, because nothing moves under a hand. */
  readonly news = $derived.by(() => {
    const here = new Set(this.#order.map(({ id }) => id));
    const fits = (word: OwnersWord) => !here.has(word.id) && this.decisions.after(word).state === this.#tab;
    return (this.#list ?? []).slice(0, MOST).filter(fits).length;
  });
  /** Whether there are older words, and whether they have room below those that are here. */
  readonly older = $derived(this.#next === null ? null : this.#window.size < MOST ? "more" : "next");
  /** Whether there are newer words than those that are here. */
  readonly newer = $derived(this.#windows.length > 1);
  /** How many decisions have had no answer for long. */
  readonly late = $derived(this.#slow ? this.decisions.unanswered : 0);
  /** How many words were found; null while nothing is searched for. */
  readonly found = $derived(searched(this.#search) ? (this.#list?.length ?? 0) : null);

  constructor(ways: Ways, tab: Tab = "waiting") {
    this.#ways = ways;
    this.#tab = tab;
    void this.#work();
  }

  get #window(): Window {
    return this.#windows.at(-1)!;
  }

  get tab() {
    return this.#tab;
  }
  set tab(tab: Tab) {
    if (tab === this.#tab) return;
    this.#tab = tab;
    this.#anew();
  }

  get search() {
    return this.#search;
  }
  set search(search: string) {
    const same = searched(search) === searched(this.#search);
    this.#search = search;
    if (!same) this.#anew();
  }

  /** Stops asking for lists. What was decided is still sent. */
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Takes in how the poll stands: when anything of it has changed, the list is asked for again. */
  follow = ({ version, round, approve }: Followed) =>
    untrack(() => {
      if (approve !== this.#approve) {
        this.#approve = approve;
        this.#since = version;
        this.#approved = false;
      }
      const now = `${round} ${version}`;
      if (now === this.#version) return;
      if (this.#version !== null && !this.#version.startsWith(`${round} `)) {
        this.decisions.clear();
        this.#anew();
      }
      this.#version = now;
      this.#soon();
    });

  /** Notes that a hand or the focus is on the list, or has left it. */
  hold(held: boolean) {
    if (held === this.#held) return;
    this.#held = held;
    if (!held) this.takeNews();
  }

  /** Shows what has come meanwhile, and leaves out what has gone. */
  takeNews() {
    this.#order = this.#list?.slice(0, MOST) ?? [];
  }

  /** Shows older words. */
  showOlder() {
    if (!this.older) return;
    if (this.older === "more") {
      const { from, size } = this.#window;
      this.#windows = [...this.#windows.slice(0, -1), { from, size: size + PAGE }];
      this.#ask();
    } else this.#turnTo([...this.#windows, { from: this.#next, size: PAGE }]);
  }

  /** Shows the words before those that are here. */
  showNewer() {
    this.#turnTo(this.#windows.slice(0, -1));
  }

  #turnTo(windows: readonly Window[]) {
    this.#windows = windows;
    this.#list = null;
    this.#order = [];
    this.#wanted = null;
    this.#ask();
  }

  focus(id: string) {
    this.#wanted = id;
  }

  /** Moves to the next row, or the one before; from the first row up lies what has come meanwhile. */
  step(by: 1 | -1) {
    const at = this.#place();
    const id = this.current?.word.id;
    if (by < 0 && at === 0 && this.news) this.takeNews();
    const from = this.rows.findIndex(({ word }) => word.id === id);
    const row = this.rows[Math.max(0, Math.min(this.rows.length - 1, (from < 0 ? 0 : from) + by))];
    if (row) this.#wanted = row.word.id;
  }

  #place = () => this.rows.findIndex(({ word }) => word.id === this.current?.word.id);

  /** Decides about the word that has the focus; returns it as it is then, or null if nothing has changed. */
  decide(to: Decided): OwnersWord | null {
    const { current } = this;
    if (!current || current.elsewhere) return null;
    const at = this.#place();
    if (!this.decisions.decide(current.word, to, this.#approved, at)) return null;
    this.trouble = "";
    const next = this.rows.some(({ word }) => word.id === current.word.id) ? at + 1 : at;
    this.#wanted = (this.rows[next] ?? this.rows.at(-1))?.word.id ?? null;
    if (!this.rows.length) this.takeNews();
    void this.#work();
    return { ...current.word, state: to };
  }

  /** Brings back what was before the latest decision; returns the word as it is then. */
  undo(): OwnersWord | null {
    const at = this.decisions.last?.at ?? 0,
      word = this.decisions.undo(this.#approve);
    if (!word) return null;
    this.trouble = "";
    this.#putBack(word, at);
    void this.#work();
    return word;
  }

  /** Puts a word into the row in which it stood, for whoever undoes something looks for it there. */
  #putBack(word: OwnersWord, at: number) {
    const here = this.#order.some(({ id }) => id === word.id);
    if (here || word.state !== this.#tab || !matches(word.text, searched(this.#search))) return;
    const below = this.rows[at]?.word.id;
    const place = this.#order.findIndex(({ id }) => id === below);
    this.#order = this.#order.toSpliced(place < 0 ? this.#order.length : place, 0, word);
  }

  /** Shows all words that wait now, many at once. */
  showAll = () =>
    this.#job(async () => {
      const ids = await this.#idsOf("waiting");
      return ids && this.#each(ids, (show) => ({ show }));
    });

  /**
   * Lets new words wait for approval, or not any more. With `keep`, the words that are shown now stay so: each of
   * them is approved before.
   */
  approve = (approve: boolean, keep = false) =>
    this.#job(async () => {
      const ids = keep ? await this.#idsOf("shown") : [];
      if (!ids || (ids.length && !(await this.#each(ids, (show) => ({ show }))))) return false;
      return this.#told(await this.#ways.send({ approve }));
    });

  /** Does something that takes many requests, between two decisions; returns whether all of it was done. */
  #job(work: () => Promise<boolean | null>): Promise<boolean> {
    this.trouble = "";
    return new Promise((done) => {
      this.#jobs.push(async () => {
        const all = await work();
        this.progress = null;
        done(all === true);
      });
      void this.#work();
    });
  }

  /** Returns the ids of all words of a list; null if they could not be read. */
  async #idsOf(tab: Tab): Promise<string[] | null> {
    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const query: ListWordsData["query"] = { state: tab, limit: BATCH, ...(cursor ? { cursor } : {}) };
      const { answer }: { answer: Answer<WordList> } = await persist(() => this.#ways.list(query));
      if (!answer.ok) return this.#refuse(answer.problem);
      ids.push(...answer.data.words.map(({ id }) => id));
      cursor = answer.data.nextCursor;
    } while (cursor);
    return ids;
  }

  async #each(ids: string[], verdict: (ids: string[]) => WordsVerdict): Promise<boolean> {
    for (let done = 0; done < ids.length; done += BATCH) {
      this.progress = { done, of: ids.length };
      if (!this.#told(await this.#ways.send(verdict(ids.slice(done, done + BATCH))))) {
        if (done) this.trouble += partly(done, ids.length);
        return false;
      }
    }
    return true;
  }

  #told(answer: Answer<Poll>): boolean {
    if (answer.ok) this.#ways.take(answer.data);
    else this.#refuse(answer.problem);
    return answer.ok;
  }

  #refuse(problem: Problem): null {
    this.trouble = explain(problem);
    return null;
  }

  /** Asks for another list. */
  #anew() {
    this.cut = false;
    this.#turnTo([{ from: null, size: PAGE }]);
  }

  #ask() {
    this.#turn++;
    this.fresh = false;
    this.#due = true;
    void this.#work();
  }

  /** Asks for the list again, not too often. */
  #soon(pause = 0) {
    if (this.#closed || this.#due) return;
    clearTimeout(this.#timer);
    const wait = Math.max(pause, this.#earliest - performance.now(), 0);
    this.#timer = setTimeout(() => {
      // Nobody looks at a page that is hidden.
      if (document.hidden) return addEventListener("visibilitychange", () => this.#soon(), { once: true });
      this.#due = true;
      void this.#work();
    }, wait);
  }

  /** Does what is to be done, one request after another. */
  async #work() {
    if (this.#working) return;
    this.#working = true;
    // Whoever has decided something sees it before anything else happens.
    await Promise.resolve();
    for (;;) {
      const next = this.decisions.next(),
        job = next ? undefined : this.#jobs.shift();
      if (next) await this.#send(next.batch, next.body);
      else if (job) await job();
      else if (this.#due && !this.#closed) await this.#read();
      else break;
      if (next || job) this.#soon();
    }
    this.#working = false;
  }

  async #send(batch: Batch, body: WordsVerdict) {
    const timer = setTimeout(() => {
      this.#slow = true;
    }, SLOW);
    const answer = await this.#ways.send(body);
    clearTimeout(timer);
    this.#slow = false;
    if (answer.ok) {
      this.decisions.taken(batch, answer.data.version);
      this.#ways.take(answer.data);
      return;
    }
    const back = this.decisions.refused(batch, body, answer.problem);
    if (back.length) this.trouble = told(explain(answer.problem), back);
  }

  async #read() {
    this.#due = false;
    clearTimeout(this.#timer);
    const turn = this.#turn,
      began = performance.now();
    this.#earliest = began + PACE;
    const { answer: list, words, pages, cut } = await this.#pages(),
      standing = list.ok ? await this.#standing(words) : null,
      answer = standing?.answer.ok === false ? standing.answer : list;
    this.#earliest = began + PACE * (pages + (standing?.pages ?? 0));
    if (turn !== this.#turn) return;
    if (answer.ok) {
      this.#pause = PACE;
      this.silentSince = null;
      this.#heard = Date.now();
      this.cut = cut;
      this.fresh = true;
      const { version } = standing?.answer.ok ? standing.answer.data : answer.data;
      this.#take({ ...answer.data, version: Math.min(version, answer.data.version) }, words);
      this.decisions.hear([...words, ...(standing?.words ?? [])]);
      return;
    }
    if (answer.problem.title === SILENT || answer.status >= 429) this.silentSince ??= new Date(this.#heard);
    else this.#refuse(answer.problem);
    this.#soon(this.#pause);
    this.#pause = Math.min(LONGEST, 2 * this.#pause);
  }

  /** Reads the words that are wanted: a part of the list, or what a search finds in all of it. */
  async #pages(): Promise<{ answer: Answer<WordList>; words: OwnersWord[]; pages: number; cut: boolean }> {
    const wanted = searched(this.#search),
      turn = this.#turn,
      words: OwnersWord[] = [];
    const limit = wanted ? BATCH : this.#window.size;
    let cursor = wanted ? null : this.#window.from;
    for (let pages = 1; ; pages++) {
      const answer = await this.#ways.list({ state: this.#tab, limit, ...(cursor ? { cursor } : {}) });
      if (answer.ok) words.push(...answer.data.words.filter(({ text }) => matches(text, wanted)));
      cursor = answer.ok ? answer.data.nextCursor : null;
      const cut = wanted !== "" && cursor !== null && pages * BATCH >= SEARCHED;
      if (!wanted || !cursor || cut || turn !== this.#turn) return { answer, words, pages, cut };
    }
  }

  /** Reads how the word stands that the page tells of, where the list that has come does not have it. */
  async #standing(list: readonly OwnersWord[]) {
    const id = this.decisions.told,
      words: OwnersWord[] = [];
    if (id === null || list.some((word) => word.id === id)) return null;
    let cursor: string | null = null;
    for (let pages = 1; ; pages++) {
      const answer: Answer<WordList> = await this.#ways.list({ limit: BATCH, ...(cursor ? { cursor } : {}) });
      if (answer.ok) words.push(...answer.data.words);
      cursor = answer.ok ? answer.data.nextCursor : null;
      const found = words.some((word) => word.id === id);
      if (!cursor || found || pages * BATCH >= SEARCHED) return { answer, words, pages };
    }
  }

  #take(list: WordList, words: OwnersWord[]) {
    const had = this.decisions.read({ ...list, words });
    this.#approved = this.#approve && list.version >= this.#since;
    const left = this.#order.filter(({ id }) => !had.has(id) || words.some((word) => word.id === id));
    const first = this.#list === null;
    this.#list = words;
    this.#counts = list;
    this.known = true;
    this.#next = searched(this.#search) ? null : list.nextCursor;
    if (first || !this.#held) this.takeNews();
    else this.#order = continued(left, words).slice(0, MOST);
    if (!this.rows.length) this.takeNews();
  }
}

/** Returns the rows that are on the screen, in their order, with the older words of the list below them. */
function continued(order: readonly OwnersWord[], list: readonly OwnersWord[]): OwnersWord[] {
  const here = new Set(order.map(({ id }) => id));
  const last = list.findLastIndex(({ id }) => here.has(id));
  return last < 0 ? [...order] : [...order, ...list.slice(last + 1).filter(({ id }) => !here.has(id))];
}
