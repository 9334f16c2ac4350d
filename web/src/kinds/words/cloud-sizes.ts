// Decides how large each word of a cloud is. Equal votes have equal sizes, and more votes never a smaller one. Sizes
// are steps of a ladder, and a word stays on its step for a while, so that few words change with each vote.

import type { Box } from "./cloud-room";

/** A `Word` has a text and its votes. */
export type Word = { readonly text: string; readonly votes: number };
/** An `Extent` says how wide and how high a text is, in its own size. */
export type Extent = { readonly width: number; readonly height: number };

/** Returns which of these texts no word has any more. Every update asks, so the words get no set of their own. */
export function gone(these: readonly Word[], words: readonly Word[]): ReadonlySet<string> {
  const left = new Set(these.map(({ text }) => text));
  for (const { text } of words) {
    if (!left.size) break;
    left.delete(text);
  }
  return left;
}

/** The smallest size of a word, which can still be read from the last row. */
export const FLOOR = 2.4;
/** How much larger the next step of the ladder is. */
export const STEP = 1.12;
/** The greatest size, and the least one of a word with many votes. */
const LARGEST = 17,
  LEAST = 8;
/** How many times smaller than the word with most votes others may be. */
const CONTRAST = 4.5;
/** A size stays while the one that its votes come to is within this part of a step. */
const STAYS = 0.75;
/** The gaps on each side of a word, in its own size. */
const GAP = { x: 0.28, y: 0.13 };

/** Returns the step of the ladder below a size, or a size that is a step itself; none is below the floor. */
const onLadder = (size: number): number =>
  FLOOR * STEP ** Math.max(0, Math.floor(Math.log(size / FLOOR) / Math.log(STEP) + 1e-6));
/** Returns how many steps two sizes are apart. */
const apart = (one: number, other: number): number => Math.abs(Math.log(one / other)) / Math.log(STEP);

/** Returns the greatest size that the word with most votes may have in an area. */
export const largestIn = ({ width, height }: Extent): number => onLadder(Math.min(LARGEST, 0.3 * height, 0.22 * width));

/**
 * How the least size of the word with most votes grows with its votes. With a half, as sizes do elsewhere, a word
 * that is said a second time in a crowded cloud would need twice its room at once, and three times as many words
 * would move.
 */
const AHEAD = 0.3;

/** Returns the least size of the word with most votes, where a cloud is crowded. */
export const leastIn = (area: Extent, words: readonly Word[]): number => {
  const fewest = Math.max(1, Math.min(...words.map(({ votes }) => votes)));
  return Math.min(LEAST, largestIn(area), FLOOR * (mostOf(words) / fewest) ** AHEAD);
};

const mostOf = (words: readonly Word[]): number => Math.max(1, ...words.map(({ votes }) => votes));

/** Knows the extents of texts, and computes sizes. */
export class Sizes {
  readonly #measure: (text: string) => Extent;
  #extents = new Map<string, Extent>();

  constructor(measure: (text: string) => Extent) {
    this.#measure = measure;
  }

  /** Forgets the extents of all texts. */
  forget(): void {
    this.#extents = new Map();
  }

  /** Returns the extent of a text with the gaps around it. */
  extent(text: string): Extent {
    let known = this.#extents.get(text);
    if (!known) {
      const { width, height } = this.#measure(text);
      this.#extents.set(text, (known = { width: width + 2 * GAP.x, height: height + 2 * GAP.y }));
    }
    return known;
  }

  /** Returns the greatest size of a text, up to the wanted one, for which an area has room, even below the floor. */
  fitting(text: string, wanted: number, area: Extent): number {
    const { width, height } = this.extent(text);
    const most = Math.min(area.width / width, area.height / height);
    return wanted <= most ? wanted : most < FLOOR ? most : onLadder(most);
  }

  /** Returns how much area words fill where the one with most votes has the size `top`. */
  sum(words: readonly Word[], top: number, boxes: ReadonlyMap<string, Box>): number {
    const sizes = this.of(words, top, boxes);
    return words.reduce((sum, { text, votes }) => {
      const { width, height } = this.extent(text);
      return sum + width * height * sizes.get(votes)! ** 2;
    }, 0);
  }

  /** Returns the size for each number of votes; `boxes` are what the words have so far. */
  of(words: readonly Word[], top: number, boxes: ReadonlyMap<string, Box>): ReadonlyMap<number, number> {
    const most = mostOf(words),
      floor = Math.max(FLOOR, top / CONTRAST);
    const ideal = (votes: number) => Math.max(floor, top * Math.sqrt(votes / most));
    const before = new Map<number, number>();
    for (const { text, votes } of words) {
      const size = boxes.get(text)?.size,
        known = before.get(votes);
      if (!size || size > top) continue;
      if (!known || apart(size, ideal(votes)) < apart(known, ideal(votes))) before.set(votes, size);
    }
    let least = Infinity;
    const sizes = new Map<number, number>();
    for (const votes of [...new Set(words.map(({ votes }) => votes))].sort((a, b) => b - a)) {
      const [wanted, was] = [ideal(votes), before.get(votes)];
      least = Math.min(least, was !== undefined && apart(was, wanted) <= STAYS ? was : onLadder(wanted));
      sizes.set(votes, least);
    }
    return sizes;
  }
}
