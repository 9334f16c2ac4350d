// Which options a stage shows, and in which order. Rows do not move while a poll is open: of more options than
// fit, one that falls behind gives its place to the one that came in.

/** Indices of options, best first; equal votes keep the order of the poll. */
export function ranked(votes: readonly number[]): number[] {
  return votes.map((_, i) => i).sort((a, b) => votes[b]! - votes[a]! || a - b);
}

export type Wanted = {
  /** Null while nobody may know. */
  votes: readonly number[] | null;
  count: number;
  /** Rows there is room for; when there are more options the last one is "others". */
  room: number;
  /** Best first, rather than as the poll has them. */
  sorted: boolean;
};

/** What is shown anew. */
export function arrange({ votes, count, room, sorted }: Wanted): number[] {
  const places = count > room ? room - 1 : count;
  const order = votes && (sorted || places < count) ? ranked(votes) : Array.from({ length: count }, (_, i) => i);
  return order.slice(0, places);
}

/** What is shown after these votes, where `before` was: itself, unless somebody has fallen out. */
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
    // Whoever is there stays when equal: two that are level do not push each other out in turns.
    if (votes[candidate]! <= votes[after[last]!]!) break;
    after = after.map((option, place) => (place === last ? candidate : option));
  }
  return after;
}

/** The options with the most votes; none when nobody has voted. */
export function leaders(votes: readonly number[] | null): number[] {
  const most = Math.max(0, ...(votes ?? []));
  return most ? votes!.flatMap((v, i) => (v === most ? [i] : [])) : [];
}
