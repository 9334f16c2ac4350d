// A poll as it is being written. What is not yet with the server is kept on this device, field by field: a
// reload, a crash or a lost connection loses nothing. What is wrong with it the server says.

import type { FieldError, NewPoll, Poll } from "../api/generated";
import { uuidv7 } from "../api/uuid";
import { forget, recall, remember } from "../ui/storage";


export type Row = { key: number; text: string };
export const MOST_OPTIONS = 100;

const LINE = /\r\n|[\r\n\u2028\u2029]/;

/** What is written, without what only a page needs. */
export type Written = {
  question: string; options: string[]; kind: "single" | "multiple"; maxChoices: number | null; results: string; revote: string;
  closesAt: string; listed: boolean; voterIds: boolean; embed: string;
};

const BLANK: Written = {
  question: "", options: ["", "", ""], kind: "single", maxChoices: null, results: "live", revote: "replace", closesAt: "",
  listed: true, voterIds: true, embed: "",
};

export class PollForm {
  question = $state("");
  rows = $state<Row[]>([]);
  kind = $state<Written["kind"]>("single");
  maxChoices = $state<number | null>(null);
  results = $state("live");
  revote = $state("replace");
  closesAt = $state("");
  listed = $state(true);
  voterIds = $state(true);
  embed = $state("");
  /** What the server found wrong, by JSON pointer of this form: rows are counted with the empty ones. */
  faults = $state.raw<ReadonlyMap<string, string>>(new Map());
  /** Whether what is shown came from this device. */
  restored = $state(false);

  /** What the server has, as text. */
  #base = $state("");

  readonly written = $derived<Written>({
    question: this.question, options: this.rows.map((row) => row.text), kind: this.kind, maxChoices: this.maxChoices,
    results: this.results, revote: this.revote, closesAt: this.closesAt, listed: this.listed, voterIds: this.voterIds,
    embed: this.embed,
  });
  readonly changed = $derived(JSON.stringify(this.written) !== this.#base);
  readonly filled = $derived(this.rows.filter((row) => row.text.trim()).length);

  #name: string;
  #closes: string | null = null;
  #key = 0;
  /** One form sent twice makes one poll. */
  #creation = { body: "", id: "" };

  /** `name`: under which it is kept here. `from`: what the server has, or the poll to copy. */
  constructor(name: string, from?: Poll) {
    this.#name = `form.${name}`;
    this.#closes = from?.closesAt ?? null;
    this.#fill(from ? writtenOf(from) : BLANK);
    this.#base = JSON.stringify(this.written);
    const kept = recall<Written>(this.#name);
    if (kept) {
      this.#fill({ ...this.written, ...kept });
      this.restored = this.changed;
    }
  }

  /** Keep on this device what differs from what the server has. */
  keep() {
    if (this.changed) remember(this.#name, this.written);
    else forget(this.#name);
  }

  /** Back to what the server has. */
  discard() {
    this.#fill(JSON.parse(this.#base));
    this.restored = false;
    this.faults = new Map();
    forget(this.#name);
  }

  /** The server has this now. */
  saved(poll: Poll) {
    this.#closes = poll.closesAt;
    this.#fill(writtenOf(poll));
    this.#base = JSON.stringify(this.written);
    this.restored = false;
    this.faults = new Map();
    forget(this.#name);
  }

  /** Done with: nothing of it need be kept. */
  done() {
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

  /** Pasted lines become an option each; says how many there were. */
  paste(index: number, text: string): number {
    const lines = text.split(LINE).map((line) => line.trim()).filter(Boolean);
    if (lines.length < 2) return 0;
    const room = Math.max(0, MOST_OPTIONS - this.rows.filter((row, i) => row.text.trim() && i !== index).length);
    const fresh = lines.slice(0, room).map((line) => ({ key: this.#key++, text: line }));
    const here = this.rows[index]?.text.trim() ? index + 1 : index;
    const after = this.rows.slice(index + 1);
    const rest = after.every((row) => !row.text.trim()) ? [] : after;
    this.rows = [...this.rows.slice(0, here), ...fresh, ...rest];
    this.#moved();
    return fresh.length;
  }

  /** As the server wants it; empty rows are left out. */
  body(open?: boolean): NewPoll {
    const origins = this.embed.split(/[\s,]+/).filter(Boolean);
    return {
      question: this.question, options: this.rows.map((row) => row.text).filter((text) => text.trim()), kind: this.kind,
      maxChoices: this.kind === "multiple" ? this.maxChoices : 1, results: this.results, revote: this.revote,
      closesAt: this.#closing(), listed: this.listed, voterIds: this.voterIds,
      ...(origins.length || JSON.parse(this.#base).embed ? { embed: origins } : {}),
      ...(open === undefined ? {} : { open }),
    };
  }

  /** The field knows minutes only: an untouched time stays what it is to the second. */
  #closing(): string | null {
    if (!this.closesAt) return null;
    const kept = this.#closes && local(new Date(this.#closes)) === this.closesAt;
    return kept ? this.#closes : new Date(this.closesAt).toISOString();
  }

  /** The `Idempotency-Key` for this body. */
  creation(body: unknown): string {
    const text = JSON.stringify(body);
    if (text !== this.#creation.body) this.#creation = { body: text, id: uuidv7() };
    return this.#creation.id;
  }

  /** Put the server's words where they belong; those that belong nowhere are returned. */
  blame(errors: readonly FieldError[]): string[] {
    const sent = this.rows.flatMap((row, i) => (row.text.trim() ? [i] : []));
    const faults = new Map<string, string>();
    const elsewhere: string[] = [];
    for (const { pointer, detail } of errors) {
      const option = /^\/options\/(\d+)/.exec(pointer);
      const field = option ? `/options/${sent[Number(option[1])] ?? option[1]}` : pointer;
      const known = option || /^\/(question|options|kind|maxChoices|results|revote|closesAt|listed|voterIds|embed)\b/.test(field);
      if (known) faults.set(option ? field : field.replace(/^(\/\w+).*/, "$1"), detail);
      else elsewhere.push(`${pointer}: ${detail}`);
    }
    this.faults = faults;
    return elsewhere;
  }

  #fill(from: Written) {
    const { options, ...rest } = from;
    Object.assign(this, rest);
    this.rows = options.map((text) => ({ key: this.#key++, text }));
  }

  /** Faults name places, and these have changed. */
  #moved() {
    this.faults = new Map([...this.faults].filter(([at]) => !at.startsWith("/options")));
  }
}

function writtenOf(poll: Poll): Written {
  return {
    question: poll.question, options: poll.options.map((option) => option.text),
    kind: poll.kind === "multiple" ? "multiple" : "single",
    maxChoices: poll.kind === "multiple" && poll.maxChoices < poll.options.length ? poll.maxChoices : null,
    results: poll.results, revote: poll.revote, closesAt: poll.closesAt ? local(new Date(poll.closesAt)) : "",
    listed: poll.listed, voterIds: poll.voterIds, embed: (poll.embed ?? []).join("\n"),
  };
}

/** A moment as a `datetime-local` field has it. */
export function local(at: Date): string {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
