// Merges a form with what others save while it is written in. What nobody has touched here follows the
// server. A touched field stays, beside what the server had in it at the time, its base; so it is known
// whether somebody else has changed it since.

import type { Answer, Problem } from "../api/call";
import { persist } from "../api/change.svelte";

/** The problem of a save that is held back because it would have undone somebody else's change unseen. */
export const OVERTAKEN: Problem = {
  title: "Somebody else changed this meanwhile. What you wrote is kept; save again to keep it",
};

/**
 * Fetches before a save what somebody else has saved and the page has not heard of yet, so that it is shown
 * where it clashes. `adopt` tells whether there is a clash that was not known before; then the save is held
 * back, and so it is where nobody answers.
 */
export async function meanwhile<T>(
  read: () => Promise<Answer<T>>,
  adopt: (now: T) => boolean,
): Promise<Problem | null> {
  const { answer } = await persist(read);
  if (!answer.ok) return answer.problem;
  return adopt(answer.data) ? OVERTAKEN : null;
}

/**
 * `Draft` is what is written, what the server has, and the bases of those fields that somebody else has changed
 * since.
 */
export type Draft<T> = { mine: T; server: T; since: Partial<T> };
/**
 * `Kept` is what is kept of a form that is not saved: the touched fields and their bases. `last` is all that
 * stood in the form, for the case that its poll or event is deleted.
 */
export type Kept<T> = { mine: Partial<T>; base: Partial<T>; last?: T };
/** `Groups` holds the fields that are one thing to whoever writes; a field that is in no group is alone. */
type Groups<T> = readonly (readonly (keyof T)[])[];
/** Merges both changes of a field; null if that cannot be done. */
type Blend<T> = (was: Partial<T>, mine: Partial<T>, theirs: Partial<T>) => Partial<T> | null;

/** Whether two values are equal, compared as JSON. */
export const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

const pick = <T extends object>(of: Partial<T>, fields: readonly (keyof T)[]) =>
  Object.fromEntries(fields.filter((field) => field in of).map((field) => [field, of[field]])) as Partial<T>;

function grouped<T extends object>(of: T, groups: Groups<T>): Groups<T> {
  const alone = (Object.keys(of) as (keyof T)[]).filter((field) => !groups.some((group) => group.includes(field)));
  return [...groups, ...alone.map((field) => [field])];
}

/** Returns the fields that were touched here, with all of their groups. */
export function touched<T extends object>({ mine, server }: Draft<T>, groups: Groups<T> = []): (keyof T)[] {
  return grouped(mine, groups)
    .filter((group) => !same(pick(mine, group), pick(server, group)))
    .flat();
}

/** Returns what was touched here and changed by somebody else since, with the other's values. */
export function clashes<T extends object>(draft: Draft<T>, groups: Groups<T> = []): Partial<T> {
  return pick<T>(
    draft.server,
    touched(draft, groups).filter((field) => field in draft.since),
  );
}

/** Returns a draft as if these fields did not exist. */
export function without<T extends object>({ mine, server, since }: Draft<T>, fields: readonly (keyof T)[]): Draft<T> {
  const left = (of: object) =>
    Object.fromEntries(Object.entries(of).filter(([name]) => !fields.includes(name as keyof T)));
  return { mine: left(mine) as T, server: left(server) as T, since: left(since) as Partial<T> };
}

/** Returns what has to be kept of a draft. */
export function kept<T extends object>(draft: Draft<T>, groups: Groups<T> = []): Kept<T> {
  const fields = touched(draft, groups);
  const base = pick<T>({ ...draft.server, ...draft.since }, fields);
  return { mine: pick<T>(draft.mine, fields), base, last: draft.mine };
}

/** Puts what was kept on top of what the server has by now. */
export function restored<T extends object>(
  { mine, base }: Kept<T>,
  server: T,
  groups: Groups<T> = [],
  blend?: Blend<T>,
): Draft<T> {
  return adopted({ mine: { ...server, ...mine }, server: { ...server, ...base }, since: {} }, server, groups, blend);
}

/** Keeps everything of a form that is not on the server. */
export const whole = <T>(mine: T): Kept<T> => ({ mine, base: {} });

/** Takes in what somebody else has saved. */
export function adopted<T extends object>(
  draft: Draft<T>,
  theirs: T,
  groups: Groups<T> = [],
  blend: Blend<T> = () => null,
): Draft<T> {
  const mine = { ...theirs },
    since: Partial<T> = {};
  for (const group of grouped(theirs, groups)) {
    const [here, there] = [pick(draft.mine, group), pick(theirs, group)];
    const untouched = same(here, pick(draft.server, group));
    const was = untouched ? here : pick({ ...draft.server, ...draft.since }, group);
    if (same(here, was) || same(here, there)) continue;
    const both = same(was, there) ? here : blend(was, here, there);
    Object.assign(mine, both ?? here);
    if (!both) Object.assign(since, was);
  }
  return { mine, server: theirs, since };
}

/** Takes the other's value of a field that two have changed. */
export function yielded<T extends object>(draft: Draft<T>, field: keyof T, groups: Groups<T> = []): Draft<T> {
  const group = grouped(draft.mine, groups).find((one) => one.includes(field)) ?? [field];
  const since = Object.fromEntries(Object.entries(draft.since).filter(([name]) => !group.includes(name as keyof T)));
  return { ...draft, mine: { ...draft.mine, ...pick<T>(draft.server, group) }, since: since as Partial<T> };
}

/** Whether `now` has a change of somebody else that `before` had not. */
export const isNews = <T extends object>(before: Partial<T>, now: Partial<T>) =>
  (Object.keys(now) as (keyof T)[]).some((field) => !(field in before) || !same(before[field], now[field]));

/** Merges two changes of a list, row by row; null where both have changed the same row. */
export function mergedRows(was: string[], mine: string[], theirs: string[]): string[] | null {
  const [here, there] = [common(was, mine), common(was, theirs)];
  const stays = was.map((_, i) => i).filter((i) => here.has(i) && there.has(i));
  const rows: string[] = [];
  let [i, j, k] = [0, 0, 0];
  for (const next of [...stays, was.length]) {
    const [toMine, toTheirs] = [here.get(next) ?? mine.length, there.get(next) ?? theirs.length];
    const between = mergedBetween(was.slice(i, next), mine.slice(j, toMine), theirs.slice(k, toTheirs));
    if (!between) return null;
    rows.push(...between, ...was.slice(next, next + 1));
    [i, j, k] = [next + 1, toMine + 1, toTheirs + 1];
  }
  // A row that both have moved elsewhere would stand there twice.
  const filled = rows.filter(Boolean);
  return new Set(filled).size < filled.length ? null : rows;
}

/**
 * Merges what lies between two rows that all three lists have: each row by its place, then those that were
 * added.
 */
function mergedBetween(was: string[], mine: string[], theirs: string[]): string[] | null {
  if (same(mine, was)) return theirs;
  if (same(theirs, was) || same(mine, theirs)) return mine;
  if (mine.length < was.length || theirs.length < was.length) return null;
  const rows = was.map((row, i) =>
    mine[i] === row || mine[i] === theirs[i] ? theirs[i]! : theirs[i] === row ? mine[i]! : null,
  );
  if (rows.includes(null)) return null;
  const added = theirs.slice(was.length);
  return [...(rows as string[]), ...added, ...mine.slice(was.length).filter((row) => !added.includes(row))];
}

/**
 * Returns the rows that two lists have in the same order, as many as possible: where each of `one` is in
 * `other`.
 */
function common(one: string[], other: string[]): Map<number, number> {
  const longest = Array.from({ length: one.length + 1 }, () => new Array<number>(other.length + 1).fill(0));
  for (let i = one.length - 1; i >= 0; i--) {
    for (let j = other.length - 1; j >= 0; j--) {
      longest[i]![j] =
        one[i] === other[j] ? longest[i + 1]![j + 1]! + 1 : Math.max(longest[i + 1]![j]!, longest[i]![j + 1]!);
    }
  }
  const places = new Map<number, number>();
  for (let [i, j] = [0, 0]; i < one.length && j < other.length;) {
    if (one[i] === other[j]) places.set(i++, j++);
    else if (longest[i + 1]![j]! >= longest[i]![j + 1]!) i++;
    else j++;
  }
  return places;
}
