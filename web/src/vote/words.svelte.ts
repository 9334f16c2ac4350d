// Keeps the language of the page: which one it is, its words, its plurals and its numbers. A phone downloads
// only the one that it shows.

import { recall, remember } from "../ui/storage";
import { writing } from "../ui/writing";
import type en from "./lang/en";

/** `Words` is a text, or one for each plural category of the language. */
export type Words = Record<string, string | Partial<Record<Intl.LDMLPluralRule, string>>>;
/** `Texts` is the texts under exactly these keys. */
export type Texts<Keys extends string> = Record<Keys, Words[string]>;
export type Key = keyof typeof en;
type Values = Record<string, string | number>;

const LOAD = {
  en: () => import("./lang/en"),
  de: () => import("./lang/de"),
  es: () => import("./lang/es"),
  hi: () => import("./lang/hi"),
};
export type Language = keyof typeof LOAD;

/** The languages, each by its own name. */
export const LANGUAGES: Record<Language, string> = { en: "English", de: "Deutsch", es: "Español", hi: "हिन्दी" };

const known = (tag: string | null): tag is Language => tag !== null && Object.hasOwn(LOAD, tag);

/**
 * Returns the language that was chosen on this device, or else the first of the browser's languages that
 * there is.
 */
export function preferred(wanted: readonly string[] = navigator.languages): Language {
  const chosen = recall<string>("language");
  const tags = [chosen, ...wanted.map((tag) => tag.split("-")[0]!)];
  return tags.find(known) ?? "en";
}

/**
 * The characters "first strong isolate" and "pop directional isolate". They are written as numbers, because
 * the compiler takes no such character in a source.
 */
const [ISOLATE, END] = [0x2068, 0x2069].map((point) => String.fromCodePoint(point)) as [string, string];

const formatsOf = (language: Language) => ({ plural: new Intl.PluralRules(language), ...writing(language) });

class Speech {
  language = $state.raw<Language>("en");
  #words = $state.raw<Words>({});
  #formats = $state.raw(formatsOf("en"));

  /** Uses this language from now on; throws when it cannot be loaded. */
  async use(language: Language) {
    const { default: words } = await LOAD[language]();
    this.language = language;
    this.#words = words;
    this.#formats = formatsOf(language);
    document.documentElement.lang = language;
  }

  /** Uses this language, and remembers it. */
  async choose(language: Language) {
    await this.use(language);
    remember("language", language);
  }

  /** Returns a text with its values; `n` is a number, and chooses the plural form. */
  say = (key: Key, values?: Values): string => this.fill(this.#words[key]!, values);

  /** Fills values into a text that is at hand. */
  fill(text: Words[string], values: Values = {}): string {
    const form =
      typeof text === "string" ? text : (text[this.#formats.plural.select(values.n as number)] ?? text.other!);
    return form.replace(/\{(\w+)\}/g, (_, name: string) => this.#value(values[name]!));
  }

  number = (n: number): string => this.#formats.number(n);

  percent = (ratio: number): string => this.#formats.percent(ratio);

  decimal = (n: number): string => this.#formats.decimal(n);

  span = (seconds: number): string => this.#formats.span(seconds);

  /** Writes a time of day, with the day unless that is today. */
  time = (at: Date, seconds = false): string => {
    const today = at.toDateString() === new Date().toDateString();
    return at.toLocaleString(this.language, {
      ...(today ? {} : { day: "numeric", month: "short" }),
      hour: "numeric",
      minute: "2-digit",
      ...(seconds ? { second: "2-digit" } : {}),
    });
  };

  // What people wrote is isolated, so that its direction cannot turn around the words beside it.
  #value(value: string | number): string {
    return typeof value === "number" ? this.number(value) : ISOLATE + value + END;
  }
}

/** The language of this page. */
export const speech = new Speech();
export const { say, number, percent, decimal, span, time } = speech;

/** Returns what says the texts of a kind of poll, which come with it in all languages. */
export const phrases =
  <Own extends string>(all: Record<Language, Texts<Own>>) =>
  (key: Own, values?: Values): string =>
    speech.fill(all[speech.language][key], values);

/** Returns a text that is read when it is shown, in the language of that moment. */
export const t = (key: Key, values?: Values) => () => say(key, values);
