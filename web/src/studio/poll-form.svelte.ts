// Keeps a poll as it is being written. What is not yet on the server is kept on this device, field by field,
// so a reload, a crash or a lost connection loses nothing. The server says what is wrong with it.

import type { FieldError, NewPoll, Poll, PollPatch } from "../api/generated";
import { keyFor, over } from "../api/intention";
import { isRating, textsOf } from "../kinds/kind";
import { highest, type Scale } from "../kinds/rating/rating";
import { forget, recall, remember } from "../ui/storage";
import { keyOf, listed, normal } from "../ui/text";
import {
  adopted,
  clashes,
  isNews,
  kept,
  mergedRows,
  restored,
  same,
  touched,
  whole,
  yielded,
  type Draft,
  type Kept,
} from "./merge";

/** A row of the form; its key stays while the row moves or its text changes. */
export type Row = { key: number; text: string };
export const MOST_OPTIONS = 100,
  MOST_STATEMENTS = 30;

/** What is written, without what only a page needs. */
export type Written = {
  question: string;
  /** The options of a choice, or the statements of a rating. */
  options: string[];
  kind: "single" | "multiple" | "rating";
  maxChoices: number | null;
  /** The scale of a rating from its lowest step to its highest, the labels of its ends, and how it looks. */
  scale: Ends;
  lowLabel: string;
  highLabel: string;
  symbol: "stars" | "numbers";
  results: string;
  turnout: string;
  revote: string;
  closesAt: string;
  closesAfter: number | null;
  listed: boolean;
  voterIds: boolean;
  embed: string;
};

/** The lowest and the highest step. */
export type Ends = `${number}-${number}`;
/** The scales that are offered. */
export const SCALES: Ends[] = ["1-2", "1-3", "1-4", "1-5", "1-6", "1-7", "1-8", "1-9", "1-10", "0-10"];

const BLANK: Written = {
  question: "",
  options: ["", "", ""],
  kind: "single",
  maxChoices: null,
  scale: "1-5",
  lowLabel: "",
  highLabel: "",
  symbol: "stars",
  results: "live",
  turnout: "shown",
  revote: "replace",
  closesAt: "",
  closesAfter: null,
  listed: true,
  voterIds: true,
  embed: "",
};

/** Fields that are one thing to whoever writes: how many options may be chosen, and when the poll closes. */
const GROUPS = [
  ["kind", "maxChoices"],
  ["closesAt", "closesAfter"],
] as const satisfies (keyof Written)[][];
const LIST = ["kind", "options", "statements", "maxChoices"] as const;
const KIND = [...LIST, "steps", "lowest", "lowLabel", "highLabel", "symbol"] as const;
const RULES = ["results", "turnout", "revote", "closesAt", "closesAfter", "listed", "voterIds", "embed"];
/** The JSON pointers of faults for which the form has a field. */
const FIELD = new RegExp(`^/(${["question", ...KIND, ...RULES].join("|")})\\b`);
/**
 * The members of a change by the field that was touched, where their names differ. The number of choices goes
 * with the options, so that "all" stays all.
 */
const MEMBERS: { [field in keyof Written]?: readonly (keyof PollPatch)[] } = {
  kind: KIND,
  maxChoices: KIND,
  options: LIST,
  scale: ["steps", "lowest", "symbol"],
};

/** Merges two changes of the options into one list, row by row. */
function blended(was: Partial<Written>, mine: Partial<Written>, theirs: Partial<Written>): Partial<Written> | null {
  const options = mine.options && mergedRows(was.options!, mine.options, theirs.options!);
  return options ? { options } : null;
}

/** Holds the form of one poll. */
export class PollForm {
  question = $state("");
  rows = $state<Row[]>([]);
  kind = $state<Written["kind"]>("single");
  maxChoices = $state<number | null>(null);
  scale = $state<Ends>("1-5");
  lowLabel = $state("");
  highLabel = $state("");
  symbol = $state<Written["symbol"]>("stars");
  results = $state("live");
  turnout = $state("shown");
  revote = $state("replace");
  closesAt = $state("");
  /** Seconds from each opening until the poll closes, instead of a closing time. */
  closesAfter = $state<number | null>(null);
  listed = $state(true);
  voterIds = $state(true);
  embed = $state("");
  /** What the server found wrong, by JSON pointer into this form, whose empty rows count. */
  faults = $state.raw<ReadonlyMap<string, string>>(new Map());
  /** Whether what is shown came from this device. */
  restored = $state(false);

  /** What the server has, as text. */
  #base = $state("");
  /** What the server had in the fields that both have changed, at the time when they were touched here. */
  #since = $state.raw<Partial<Written>>({});

  readonly written = $derived<Written>({
    question: this.question,
    options: this.rows.map((row) => row.text),
    kind: this.kind,
    maxChoices: this.maxChoices,
    scale: this.scale,
    lowLabel: this.lowLabel,
    highLabel: this.highLabel,
    symbol: this.symbol,
    results: this.results,
    turnout: this.turnout,
    revote: this.revote,
    closesAt: this.closesAt,
    closesAfter: this.closesAfter,
    listed: this.listed,
    voterIds: this.voterIds,
    embed: this.embed,
  });
  readonly changed = $derived(JSON.stringify(this.written) !== this.#base);
  /** What was touched here and changed by somebody else meanwhile, with the other's values. */
  readonly clashes = $derived(clashes(this.#draft(), GROUPS));
  /** The most rows that there may be, and the fewest. */
  readonly most = $derived(this.kind === "rating" ? MOST_STATEMENTS : MOST_OPTIONS);
  readonly fewest = $derived(this.kind === "rating" ? 1 : 2);
  /** The scale of a rating, and whether it is shown as stars, which cannot show a step 0. */
  readonly range = $derived<Scale>(scaleOf(this.scale));
  readonly starred = $derived(this.symbol === "stars" && this.range.lowest > 0);
  /** The rows that look the same as an earlier one, each with that one's index. */
  readonly alike = $derived(alike(this.rows.map((row) => keyOf(row.text))));
  readonly filled = $derived(this.rows.filter(isFilled).length);

  #name: string;
  #copies: boolean;
  #closes: string | null = null;
  #key = 0;

  /**
   * `name` is the name under which the form is kept on this device. `from` is what the server has, or a poll
   * that the form `copies` and leaves alone.
   */
  constructor(name: string, from?: Poll, copies = false) {
    this.#name = `form.${name}`;
    this.#copies = copies;
    this.#closes = from?.closesAt ?? null;
    this.#fill(from ? writtenOf(from) : BLANK);
    this.#base = JSON.stringify(this.written);
    const before = recall<Kept<Written>>(this.#name);
    if (before) {
      this.#become(restored(before, this.written, GROUPS, blended));
      this.restored = this.changed;
    }
  }

  /** Keeps on this device what was touched, and what the server had there. */
  keep() {
    if (this.changed) remember(this.#name, this.#copies ? whole(this.written) : kept(this.#draft(), GROUPS));
    else forget(this.#name);
  }

  /** Goes back to what the server has. */
  discard() {
    this.#fill(JSON.parse(this.#base));
    this.#since = {};
    this.restored = false;
    this.faults = new Map();
    forget(this.#name);
  }

  /**
   * Takes in what somebody else has saved: fields that are being written here stay, the rest is theirs from
   * now on. Returns whether one of the touched fields was changed elsewhere, and that was not known before.
   */
  adopt(poll: Poll): boolean {
    const theirs = writtenOf(poll),
      before = this.clashes;
    this.#closes = poll.closesAt;
    if (same(theirs, JSON.parse(this.#base))) return false;
    this.#become(adopted(this.#draft(), theirs, GROUPS, blended));
    return isNews(before, this.clashes);
  }

  /** Takes the other's value of a field, instead of what was written here. */
  yield(field: keyof Written) {
    this.#become(yielded(this.#draft(), field, GROUPS));
  }

  /** Notes that the server has this now. */
  saved(poll: Poll) {
    this.#closes = poll.closesAt;
    this.#fill(writtenOf(poll));
    this.#base = JSON.stringify(this.written);
    this.#since = {};
    this.restored = false;
    this.faults = new Map();
    forget(this.#name);
  }

  /** Forgets what is kept of the form. */
  done() {
    over(this.#name);
    forget(this.#name);
  }

  add(text = "", after = this.rows.length - 1): Row {
    const row = { key: this.#key++, text };
    this.rows.splice(after + 1, 0, row);
    this.#moved();
    return row;
  }

  remove(index: number) {
    this.rows.splice(index, 1);
    this.#moved();
  }

  move(from: number, to: number) {
    const [row] = this.rows.splice(from, 1);
    if (row) this.rows.splice(to, 0, row);
    this.#moved();
  }

  /** Makes an option of each pasted line or cell; returns how many there were, or 0 for an ordinary paste. */
  paste(index: number, text: string): number {
    const lines = listed(text),
      here = isFilled(this.rows[index]) ? index + 1 : index;
    const isItem = lines.length === 1 && here === index && lines[0] !== normal(text);
    if (lines.length < 2 && !isItem) return 0;
    const stay = this.rows.filter((row, i) => isFilled(row) && !(i === index && here === index));
    const room = Math.max(0, this.most - stay.length);
    const fresh = lines.slice(0, room).map((line) => ({ key: this.#key++, text: line }));
    const after = this.rows.slice(index + 1);
    const rest = !after.some(isFilled) ? [] : after;
    this.rows = [...this.rows.slice(0, here), ...fresh, ...rest];
    this.#moved();
    return fresh.length;
  }

  /** Returns the body of a creation; empty rows are left out. */
  body(open?: boolean): NewPoll {
    const origins = this.embed.split(/[\s,]+/).filter(Boolean);
    return {
      question: this.question,
      ...this.#asks(),
      results: this.results,
      turnout: this.turnout,
      revote: this.revote,
      closesAt: this.closesAfter === null ? this.#closing() : null,
      closesAfter: this.closesAfter,
      listed: this.listed,
      voterIds: this.voterIds,
      ...(origins.length || JSON.parse(this.#base).embed ? { embed: origins } : {}),
      ...(open === undefined ? {} : { open }),
    };
  }

  /** Returns the touched fields as a change: what somebody else has saved in the rest stays. */
  patch(): PollPatch {
    const members = touched(this.#draft(), GROUPS).flatMap<string>((field) => MEMBERS[field] ?? field);
    return Object.fromEntries(Object.entries(this.body()).filter(([name]) => members.includes(name)));
  }

  /** Returns the members that belong to the poll's kind. */
  #asks(): Partial<NewPoll> {
    const texts = this.rows.filter(isFilled).map((row) => row.text),
      { kind } = this;
    if (kind !== "rating") return { options: texts, kind, maxChoices: kind === "multiple" ? this.maxChoices : 1 };
    return {
      kind,
      statements: texts,
      ...this.range,
      lowLabel: this.lowLabel,
      highLabel: this.highLabel,
      symbol: this.starred ? "stars" : "numbers",
    };
  }

  /**
   * Returns the closing time. The field knows minutes only, so an untouched time stays what it is to the
   * second.
   */
  #closing(): string | null {
    if (!this.closesAt) return null;
    const kept = this.#closes && local(new Date(this.#closes)) === this.closesAt;
    return kept ? this.#closes : new Date(this.closesAt).toISOString();
  }

  /** Returns the `Idempotency-Key` for this body: one form sent twice makes one poll. */
  creation(body: unknown): string {
    return keyFor(this.#name, body);
  }

  /** Puts the server's words at the fields to which they belong; returns those that belong to none. */
  blame(errors: readonly FieldError[]): string[] {
    const sent = this.rows.flatMap((row, i) => (isFilled(row) ? [i] : []));
    const faults = new Map<string, string>();
    const elsewhere: string[] = [];
    for (const { pointer, detail } of errors) {
      const option = /^\/(?:options|statements)\/(\d+)/.exec(pointer);
      const field = option ? `/options/${sent[Number(option[1])] ?? option[1]}` : pointer;
      const known = option || FIELD.test(field);
      if (known)
        faults.set(option ? field : field.replace(/^(\/\w+).*/, "$1").replace("/statements", "/options"), detail);
      else elsewhere.push(`${pointer}: ${detail}`);
    }
    this.faults = faults;
    return elsewhere;
  }

  #draft(): Draft<Written> {
    return { mine: this.written, server: JSON.parse(this.#base), since: this.#since };
  }

  #become({ mine, server, since }: Draft<Written>) {
    this.#fill(mine);
    this.#base = JSON.stringify(server);
    this.#since = since;
  }

  #fill(from: Written) {
    const { options, ...rest } = from;
    Object.assign(this, rest);
    // A row that stays keeps its key, so whoever writes in it, or holds it, can go on.
    const left = [...this.rows];
    const same = options.map((text) => {
      const at = left.findIndex((row) => row.text === text);
      return at < 0 ? null : left.splice(at, 1)[0]!.key;
    });
    this.rows = options.map((text, i) => ({ key: same[i] ?? left.shift()?.key ?? this.#key++, text }));
  }

  /** Clears the faults, because they name places and rows have moved. */
  #moved() {
    this.faults = new Map([...this.faults].filter(([at]) => !at.startsWith("/options")));
  }
}

/** Returns whether a row has something to see; others are not sent. */
function isFilled(row: Row | undefined): boolean {
  return !!row && normal(row.text) !== "";
}

function alike(keys: string[]): ReadonlyMap<number, number> {
  const again = keys.flatMap((key, i): [number, number][] => (key ? [[i, keys.indexOf(key)]] : []));
  return new Map(again.filter(([i, first]) => first < i));
}

function scaleOf(ends: Ends): Scale {
  const [lowest, highest] = ends.split("-").map(Number) as [number, number];
  return { lowest, steps: highest - lowest + 1 };
}

/** Returns the fields of the poll's kind; those of other kinds are as in a new poll. */
function asked(poll: Poll): Pick<Written, "kind" | "maxChoices" | "scale" | "lowLabel" | "highLabel" | "symbol"> {
  const { scale, lowLabel, highLabel, symbol } = BLANK;
  if (isRating(poll)) {
    const scale: Ends = `${poll.lowest}-${highest(poll)}`;
    return {
      kind: "rating",
      maxChoices: null,
      scale,
      lowLabel: poll.lowLabel,
      highLabel: poll.highLabel,
      symbol: poll.symbol,
    };
  }
  const most = poll.kind === "multiple" && poll.maxChoices < poll.options.length ? poll.maxChoices : null;
  return {
    kind: poll.kind === "multiple" ? "multiple" : "single",
    maxChoices: most,
    scale,
    lowLabel,
    highLabel,
    symbol,
  };
}

function writtenOf(poll: Poll): Written {
  return {
    question: poll.question,
    options: textsOf(poll),
    ...asked(poll),
    results: poll.results,
    turnout: poll.turnout,
    revote: poll.revote,
    closesAt: poll.closesAt && poll.closesAfter === null ? local(new Date(poll.closesAt)) : "",
    closesAfter: poll.closesAfter,
    listed: poll.listed,
    voterIds: poll.voterIds,
    embed: (poll.embed ?? []).join("\n"),
  };
}

/** Returns a moment as a `datetime-local` field has it. */
export function local(at: Date): string {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
