// Finds where a code leads.

import { getEvent } from "../api/operations";
import { spoken } from "../ui/writing";
import { SHORTEST, tidyCode } from "./code";
import { kinds } from "./kinds.svelte";
import { online } from "./online.svelte";
import { place } from "./place.svelte";
import { t } from "./words.svelte";

/**
 * The pauses before the server is asked again where a code leads, when no answer of Pollux has come; in
 * milliseconds.
 */
const PAUSES = [500, 1_500];

/**
 * Goes where the code leads, or returns what is wrong with it, in the language of the moment at which that is
 * read.
 */
export async function find(typed: string): Promise<() => string> {
  const code = tidyCode(typed);
  if (code.length < SHORTEST) return t("shortCode");
  let answer = await getEvent({ path: { id: code } });
  for (const pause of PAUSES) {
    if (answer.ok || answer.status || !online.now) break;
    await new Promise((done) => {
      setTimeout(done, pause);
    });
    answer = await getEvent({ path: { id: code } });
  }
  if (answer.ok) {
    kinds.ahead(answer.data.polls);
    place.go(`/p/${encodeURIComponent(code)}`);
    return () => "";
  }
  if (answer.status === 404 || answer.status === 400) return noSuch(code);
  return t(answer.status === 429 ? "tooManyTries" : "noServer");
}

/** Returns the text for a code that leads nowhere. */
export const noSuch = (code: string) => t("noSuchCode", { code: spoken(code) });
