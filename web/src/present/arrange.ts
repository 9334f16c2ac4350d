// Decides which rows of a poll a stage shows, and in which order. Rows do not move while a poll is open: where not
// all of them have room, one that falls behind gives its place to the one that has overtaken it.

/** Returns the rows, best first; equal votes keep the order of the poll. */
export function ranked(votes: readonly number[]): number[] {
  return votes.map((_, i) => i).sort((a, b) => votes[b]! - votes[a]! || a - b);
}

/** `Wanted` is what is known when rows are arranged anew. */
export type Wanted = {
  /** What puts the rows in order, such as their votes; null while that is hidden. */
  votes: readonly number[] | null;
  count: number;
  /** The number of rows that fit; when there are more the last row is "others". */
  room: number;
  /** Whether the best come first, rather than in the poll's order. */
  sorted: boolean;
};

/** Returns the rows to show when nothing is shown yet. */
export function arrange({ votes, count, room, sorted }: Wanted): number[] {
  const places = count > room ? room - 1 : count;
  const order = votes && (sorted || places < count) ? ranked(votes) : Array.from({ length: count }, (_, i) => i);
  return order.slice(0, places);
}

/**
 * Returns what is shown after these votes where `before` was shown: the same, unless a row has fallen out.
 */
export function keep(before: number[], votes: readonly number[] | null): number[] {
  if (!votes || before.length === votes.length) return before;
  const shown = new Set(before);
  const rest = ranked(votes).filter((i) => !shown.has(i));
  let after = before;
  for (const candidate of rest) {
    let last = 0;
    for (let place = 1; place < after.length; place++) {
      if (votes[after[place]!]! <= votes[after[last]!]!) last = place;
    }
    // Of equal rows the one that is shown stays: two that are level do not push each other out in turns.
    if (votes[candidate]! <= votes[after[last]!]!) break;
    after = after.map((row, place) => (place === last ? candidate : row));
  }
  return after;
}

/** Returns the rows with the most votes; none when nobody has voted. */
export function leaders(votes: readonly number[] | null): number[] {
  const most = Math.max(0, ...(votes ?? []));
  return most ? votes!.flatMap((v, i) => (v === most ? [i] : [])) : [];
}
