// Keeps a poll as it is being written. What is not yet on the server is kept on this device, field by field,
// so a reload, a crash or a lost connection loses nothing. The server says what is wrong with it.

import type { FieldError, NewPoll, Poll, PollPatch } from "../api/generated";
import { keyFor, over } from "../api/intention";
import { BLANK as OWN, EARLIER_ROWS, foreignTo, formOf, withKind, type OwnFields } from "../kinds/in-studio-form";
import { textsOf } from "../kinds/kind";
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
  without,
  yielded,
  type Draft,
  type Kept,
} from "./merge";

/** A `Row` has one text of the form's list; its key stays while the row moves or its text changes. */
export type Row = { key: number; text: string };

/** `Written` is the form's content, without what only a page needs. */
export type Written = {
  question: string;
  /** The texts of what the poll asks about, one a row. */
  rows: string[];
  kind: Poll["kind"];
  results: string;
  turnout: string;
  revote: string;
  closesAt: string;
  closesAfter: number | null;
  listed: boolean;
  voterIds: boolean;
  embed: string;
} & OwnFields;

const BLANK: Written = {
  question: "",
  rows: ["", "", ""],
  kind: "single",
  ...OWN,
  results: "live",
  turnout: "shown",
  revote: "replace",
  closesAt: "",
  closesAfter: null,
  listed: true,
  voterIds: true,
  embed: "",
};

/**
 * Returns the fields that are one thing to whoever writes: how people answer, in a form that has to do with these
 * kinds, and when the poll closes.
 */
const groupsOf = (...kinds: Poll["kind"][]): (keyof Written)[][] => [
  ["kind", ...withKind(...kinds)],
  ["closesAt", "closesAfter"],
];
/** The members for whose faults the form has a field, whatever the poll's kind. */
const MEMBERS = ["question", "results", "turnout", "revote", "closesAt", "closesAfter", "listed", "voterIds", "embed"];

/** Merges two changes of the rows into one list, row by row. */
function blended(was: Partial<Written>, mine: Partial<Written>, theirs: Partial<Written>): Partial<Written> | null {
  const rows = mine.rows && mergedRows(was.rows!, mine.rows, theirs.rows!);
  return rows ? { rows } : null;
}

/** Returns what the device keeps of a form, with the rows under their present name. */
function recalled(name: string): Kept<Written> | null {
  const kept = recall<Kept<Written>>(name);
  for (const fields of [kept?.mine, kept?.base] as (Record<string, unknown> | undefined)[])
    if (fields && EARLIER_ROWS in fields) fields.rows ??= fields[EARLIER_ROWS];
  return kept;
}

/** Holds the form of one poll. */
export class PollForm {
  question = $state("");
  rows = $state<Row[]>([]);
  kind = $state<Written["kind"]>("single");
  /** The fields of all kinds. */
  own = $state<OwnFields>({ ...OWN });
  results = $state("live");
  turnout = $state("shown");
  revote = $state("replace");
  closesAt = $state("");
  /** The seconds from each opening until the poll closes, instead of a closing time. */
  closesAfter = $state<number | null>(null);
  listed = $state(true);
  voterIds = $state(true);
  embed = $state("");
  /** What the server found wrong, by JSON pointer into this form, whose empty rows count; and what was written then. */
  #found = $state.raw<{ faults: ReadonlyMap<string, string>; written: Written }>({ faults: new Map(), written: BLANK });
  /** Whether what is shown came from this device. */
  restored = $state(false);

  /** What the server has, as text. */
  #base = $state("");
  /** What the server had in the fields that both have changed, at the time when they were touched here. */
  #since = $state.raw<Partial<Written>>({});

  readonly written = $derived<Written>({
    question: this.question,
    rows: this.rows.map((row) => row.text),
    kind: this.kind,
    ...this.own,
    results: this.results,
    turnout: this.turnout,
    revote: this.revote,
    closesAt: this.closesAt,
    closesAfter: this.closesAfter,
    listed: this.listed,
    voterIds: this.voterIds,
    embed: this.embed,
  });
  readonly changed = $derived(touched(this.#ofKind(), this.#groups()).length > 0);
  /** What was touched here and changed by somebody else meanwhile, with the other's values. */
  readonly clashes = $derived(clashes(this.#ofKind(), this.#groups()));
  /** What the server found wrong, as long as it is still written so. */
  readonly faults = $derived<ReadonlyMap<string, string>>(
    new Map([...this.#found.faults].filter(([at]) => this.#stands(at.slice(1)))),
  );
  /** The most rows that there may be, and the fewest. */
  readonly most = $derived(formOf(this.kind).most);
  readonly fewest = $derived(formOf(this.kind).fewest);
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
    const before = recalled(this.#name);
    if (before) {
      this.#become(restored(before, this.written, this.#groups(before.mine.kind), blended));
      this.restored = this.changed;
    }
  }

  /** Keeps on this device what was touched, and what the server had there. */
  keep() {
    if (this.changed) remember(this.#name, this.#copies ? whole(this.written) : kept(this.#draft(), this.#groups()));
    else forget(this.#name);
  }

  /** Goes back to what the server has. */
  discard() {
    this.#fill(JSON.parse(this.#base));
    this.#since = {};
    this.restored = false;
    this.#blame(new Map());
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
    this.#become(adopted(this.#draft(), theirs, this.#groups(poll.kind), blended));
    return isNews(before, this.clashes);
  }

  /** Takes the other's value of a field, instead of what was written here. */
  yield(field: keyof Written) {
    this.#become(yielded(this.#draft(), field, this.#groups()));
  }

  /** Notes that the server has this now. */
  saved(poll: Poll) {
    this.#closes = poll.closesAt;
    this.#fill(writtenOf(poll));
    this.#base = JSON.stringify(this.written);
    this.#since = {};
    this.restored = false;
    this.#blame(new Map());
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

  /** Makes a row of each pasted line or cell; returns how many there were, or 0 for an ordinary paste. */
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
    const texts = this.rows.filter(isFilled).map((row) => row.text);
    return {
      question: this.question,
      ...formOf(this.kind).body(this.kind, texts, this.own),
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
    const { members } = formOf(this.kind);
    const names = touched(this.#ofKind(), this.#groups()).flatMap<string>((field) => members[field] ?? field);
    return Object.fromEntries(Object.entries(this.body()).filter(([name]) => names.includes(name)));
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
    const { list, members } = formOf(this.kind);
    const faults = new Map<string, string>();
    const elsewhere: string[] = [];
    for (const { pointer, detail } of errors) {
      const [, member = "", at] = /^\/(\w+)(?:\/(\d+))?/.exec(pointer) ?? [];
      if (member === list) faults.set(at === undefined ? "/rows" : `/rows/${sent[Number(at)] ?? at}`, detail);
      else if (MEMBERS.includes(member) || members.kind.includes(member)) faults.set(`/${member}`, detail);
      else elsewhere.push(`${pointer}: ${detail}`);
    }
    this.#blame(faults);
    return elsewhere;
  }

  #blame(faults: ReadonlyMap<string, string>) {
    this.#found = { faults, written: this.written };
  }

  /** Whether a field, and what is judged together with it, is as it was when the server found it wrong. */
  #stands(field: string): boolean {
    const { written } = this.#found;
    const groups: (readonly PropertyKey[])[] = [formOf(this.kind).together ?? [], ...this.#groups()];
    const fields = (groups.find((group) => group.includes(field)) ?? [field]) as (keyof Written)[];
    return fields.every((name) => same(this.written[name], written[name]));
  }

  #draft(): Draft<Written> {
    return { mine: this.written, server: JSON.parse(this.#base), since: this.#since };
  }

  /** Returns the fields that are one thing; `other` is a kind that has come in beside the form's and the server's. */
  #groups(other = this.kind) {
    return groupsOf(this.kind, JSON.parse(this.#base).kind, other);
  }

  /**
   * Returns the draft as far as it says anything about the poll: not what was written for another kind, which is
   * kept only for the case that this kind is chosen again.
   */
  #ofKind(): Draft<Written> {
    const draft = this.#draft();
    return without(draft, foreignTo(draft.mine.kind, draft.server.kind));
  }

  #become({ mine, server, since }: Draft<Written>) {
    this.#fill(mine);
    this.#base = JSON.stringify(server);
    this.#since = since;
  }

  #fill(from: Written) {
    const { rows, question, kind, results, turnout, revote, closesAt, closesAfter, listed, voterIds, embed, ...own } =
      from;
    Object.assign(this, { question, kind, results, turnout, revote, closesAt, closesAfter, listed, voterIds, embed });
    this.own = own;
    // A row that stays keeps its key, so whoever writes in it, or holds it, can go on.
    const left = [...this.rows];
    const same = rows.map((text) => {
      const at = left.findIndex((row) => row.text === text);
      return at < 0 ? null : left.splice(at, 1)[0]!.key;
    });
    this.rows = rows.map((text, i) => ({ key: same[i] ?? left.shift()?.key ?? this.#key++, text }));
  }

  /** Clears the faults, because they name places and rows have moved. */
  #moved() {
    const { faults, written } = this.#found;
    this.#found = { faults: new Map([...faults].filter(([at]) => !at.startsWith("/rows"))), written };
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

function writtenOf(poll: Poll): Written {
  return {
    question: poll.question,
    // A kind without rows leaves the form's as they are in a new one, for the case that another kind is chosen.
    rows: formOf(poll.kind).most ? textsOf(poll) : BLANK.rows,
    kind: poll.kind,
    ...OWN,
    ...formOf(poll.kind).read(poll),
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
