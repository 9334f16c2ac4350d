// Holds the words for what somebody else has written into the fields of a poll's form.

import { formOf, SAID } from "../../kinds/in-studio-form";
import type { Written } from "../poll-form.svelte";
import { lasting } from "../words";
import { listed, quoted, type Said } from "./said";

/** Returns the sites that may embed something, which are kept one a line. */
export const sites = (embed: string): string => embed.split(/\s+/).filter(Boolean).join(", ") || "no site";

const RESULTS: Record<string, string> = {
  live: "shown to everybody, all the time",
  afterVote: "shown to those who have voted",
  hidden: "shown to nobody until they are revealed",
};

function closing({ closesAfter, closesAt }: Partial<Written>): string {
  if (closesAfter) return `${lasting(closesAfter)} after it opens`;
  return closesAt ? `on ${closesAt.replace("T", " at ")}` : "manually";
}

/** The words for each field of a poll's form. */
export const POLL: Said<Written> = {
  question: ({ question }) => quoted(question!),
  rows: ({ rows }) => listed(rows!),
  kind: ({ kind, ...theirs }) => formOf(kind!).saidKind(kind!, theirs),
  ...SAID,
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
