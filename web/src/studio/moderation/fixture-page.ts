// Opens a page that moderates words, for tests, with a clock that stands still between two steps.

import { flushSync } from "svelte";
import { afterEach, beforeEach, vi } from "vitest";
import { listWords, moderateWords } from "../../api/operations";
import type { Poll } from "../../api/generated";
import type { WordsPoll } from "../../kinds/kind";
import type { Tab } from "./decisions.svelte";
import type { Kiosk } from "./fixture";
import { Moderation } from "./moderation.svelte";

/** The server of the test, and the page that moderates its poll. */
export let kiosk: Kiosk, words: Moderation;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  words.close();
  vi.useRealTimers();
});

/** Lets time pass, and lets everything that was asked be answered. */
export async function pass(ms = 10) {
  await vi.advanceTimersByTimeAsync(ms);
  flushSync();
}
/** Tells the page how the poll stands, and lets the list come. */
export async function hear() {
  words.follow(kiosk.poll);
  await pass(1_100);
}
/** Opens a page that moderates the poll of a server. */
export async function begin(server: Kiosk, tab: Tab = "waiting") {
  kiosk = server;
  vi.stubGlobal("fetch", kiosk.fetch);
  const path = { id: kiosk.poll.id };
  words = new Moderation(
    {
      list: (query) => listWords({ path, query: query ?? {} }),
      send: (body) => moderateWords({ path, body }),
      take: (poll: Poll) => words.follow(poll as WordsPoll),
    },
    tab,
  );
  words.follow(kiosk.poll);
  await pass(1_100);
}
/** Returns the words on the screen. */
export const texts = () => words.rows.map(({ word }) => word.text);
/** Returns the word that has the focus. */
export const current = () => words.current?.word.text;
/** Returns the requests that decide something. */
export const verdicts = () => kiosk.asked.filter((one) => typeof one !== "string");
/** Returns so many words. */
export const numbered = (count: number) => Array.from({ length: count }, (_, i) => `word ${i}`);
