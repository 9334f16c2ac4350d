// Words for what somebody else has written into a field.

import type { Written } from "../poll-form.svelte";
import { lasting } from "../words";

const NOTHING = "nothing";
const quoted = (text: string) => (text ? `“${text}”` : NOTHING);
const listed = (items: string[]) => items.map(quoted).join(", ") || NOTHING;

/** Returns the sites that may embed something, which are kept one a line. */
export const sites = (embed: string): string => embed.split(/\s+/).filter(Boolean).join(", ") || "no site";

const KINDS: Record<Written["kind"], string> = {
  single: "one option",
  multiple: "several",
  rating: "a rating for each",
};
const RESULTS: Record<string, string> = {
  live: "shown to everybody, all the time",
  afterVote: "shown to those who have voted",
  hidden: "shown to nobody until they are revealed",
};

function closing({ closesAfter, closesAt }: Partial<Written>): string {
  if (closesAfter) return `${lasting(closesAfter)} after it opens`;
  return closesAt ? `on ${closesAt.replace("T", " at ")}` : "manually";
}

const kind = (theirs: Partial<Written>) =>
  KINDS[theirs.kind!] + (theirs.maxChoices ? `, at most ${theirs.maxChoices}` : "");

/** How somebody else's value of each field of a form is said. */
export type Said<Fields> = { [field in keyof Fields]: (theirs: Partial<Fields>) => string };

/** The words for each field of a poll's form. */
export const POLL: Said<Written> = {
  question: ({ question }) => quoted(question!),
  options: ({ options }) => listed(options!),
  kind,
  maxChoices: kind,
  scale: ({ scale }) => `from ${scale!.replace("-", " to ")}`,
  symbol: ({ symbol }) => symbol!,
  lowLabel: ({ lowLabel }) => quoted(lowLabel!),
  highLabel: ({ highLabel }) => quoted(highLabel!),
  turnout: ({ turnout }) =>
    turnout === "shown" ? "everybody sees how many have voted" : "how many have voted is hidden, too",
  results: ({ results }) => RESULTS[results!] ?? results!,
  revote: ({ revote }) => (revote === "replace" ? "a second vote replaces the first" : "a second vote is refused"),
  closesAt: closing,
  closesAfter: closing,
  listed: ({ listed: is }) => (is ? "listed" : "not listed"),
  voterIds: ({ voterIds }) => (voterIds ? "programs may name the voter" : "only cookies tell voters apart"),
  embed: ({ embed }) => sites(embed!),
};

/** Returns somebody else's value of a field that is being changed here, in words; null if there is none. */
export const wordsOf = <Fields extends object>(
  said: Said<Fields>,
  clashes: Partial<Fields>,
  field: keyof Fields,
): string | null => (field in clashes ? said[field](clashes) : null);
