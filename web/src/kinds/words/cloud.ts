// Lays out a cloud of words so that it grows without jumping. It is pure: it knows neither page nor clock, and the same
// words in the same order come to the same cloud. A word that has a place keeps it while it can, whatever happens to
// the others. Lengths are in units of the stage, sizes are those of the font.

import { freePlace, isFree, type Box, type Work } from "./cloud-room";
import { FLOOR, largestIn, leastIn, Sizes, STEP, type Extent, type Word } from "./cloud-sizes";

/** An `Area` is where the cloud has room. */
export type Area = { readonly width: number; readonly height: number };
/** A `Placed` word has a size, and the place of its middle in the area. None has more votes than one that `leads`. */
export type Placed = {
  readonly text: string;
  readonly size: number;
  readonly x: number;
  readonly y: number;
  readonly leads: boolean;
  /** One of a few tones, by which words beside each other are told apart; it has no other meaning. */
  readonly tone: number;
  /** How often it has left its place for another one far away, and whether it has just done so. */
  readonly hops: number;
  readonly isAway: boolean;
};

/** A `Sized` word has the size that its votes come to, and its box: where it is, or where a new one wants to be. */
type Sized = Word & { box: Box; isNew: boolean };
type Place = { x: number; y: number };

/** The most words that have a place: more of them would be a wall of small print. */
export const MOST = 150;
/** An area is similar to another one if it is wider or higher, or less so, by less than this part. */
const SIMILAR = 0.25;
/** A place is far away if it is further than this. */
const FAR = 12;
/** How many tones there are. */
const TONES = 3;
/**
 * How much of the area words may fill: beyond `FULL` they become smaller. They become larger again where they would
 * still fill less than this part of that.
 */
const FULL = 0.68,
  EMPTY = 0.45;

/** Returns a number from 0 to 1 for a text, always the same. It is the hash FNV-1a, as its authors describe it. */
function drawn(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
}

/** Keeps a cloud, and changes it as words come and grow. */
export class Cloud {
  /**
   * The words that have a place; the same list until that changes, and in it the same objects of words that have not
   * changed. They stand in the order in which they came, those that came together with the most votes first: a word
   * whose element moved in the page would appear anew.
   */
  placed: readonly Placed[] = [];
  /** The words that have none, because there is no room at the smallest size. */
  rest: readonly Word[] = [];
  /** The number of comparisons so far, which is what a layout costs. */
  readonly work: Work = { done: 0 };

  readonly #sizes: Sizes;
  #area: Area = { width: 0, height: 0 };
  /** The area in which the cloud began. */
  #begun: Area = { width: 0, height: 0 };
  /** Whether the words have got their places in an area of another extent. */
  #isOutgrown = false;
  #boxes = new Map<string, Box>();
  /** Extents for which there was no room, which is so until words move, shrink or vanish. */
  #barred: Box[] = [];
  #top = Infinity;
  /** How much of the area words filled when one of them had no place. */
  #burst = FULL;
  #wanted: readonly Word[] | null = null;
  #pass: Iterator<undefined, void> | null = null;

  /** `measure` returns how wide and how high a text is, in its own size. */
  constructor(measure: (text: string) => Extent) {
    this.#sizes = new Sizes(measure);
  }

  /** Asks for these words in an area. Words that are not among them vanish at once. */
  want(words: readonly Word[], area: Area): void {
    this.#wanted = words;
    if (area.width !== this.#area.width || area.height !== this.#area.height) this.#resize(area);
    const texts = new Set(words.map(({ text }) => text));
    const stays = ({ text }: { text: string }) => texts.has(text);
    if (!this.placed.every(stays)) this.placed = this.placed.filter(stays);
    if (!this.rest.every(stays)) this.rest = this.rest.filter(stays);
  }

  /** Takes another area. If it is about the same, words keep their places, unless these lie outside of it now. */
  #resize(area: Area): void {
    this.#area = area;
    const isSimilar = (now: number, then: number) => Math.abs(now - then) < SIMILAR * then;
    if (!isSimilar(area.width, this.#begun.width) || !isSimilar(area.height, this.#begun.height)) return this.begin();
    // What was computed for the area before is no use any more.
    [this.#pass, this.#barred, this.#isOutgrown] = [null, [], true];
  }

  /** Forgets all places, because the area is quite another one, or letters have another extent by now. */
  begin(): void {
    this.#sizes.forget();
    this.#begun = this.#area;
    this.#boxes = new Map();
    this.#barred = [];
    this.#top = Infinity;
    this.#burst = FULL;
    this.#pass = null;
  }

  /** Whether there is something to do. */
  get busy(): boolean {
    return this.#pass !== null || this.#wanted !== null;
  }

  /** Works for about so many comparisons on what is wanted. */
  step(comparisons: number): void {
    const end = this.work.done + comparisons;
    while (this.busy && this.work.done < end) {
      if (!this.#pass) {
        this.#pass = this.#arrange(this.#wanted!);
        this.#wanted = null;
      }
      if (this.#pass.next().done) this.#pass = null;
    }
  }

  /** Arranges words anew; between two words it may be interrupted. */
  *#arrange(words: readonly Word[]): Generator<undefined, void> {
    const least = leastIn(this.#area, words.slice(0, MOST));
    for (let top = this.#scaled(words, least); ; top = Math.max(least, top / STEP)) {
      const sized = this.#sized(words, top);
      const boxes = this.#stands(sized) ? this.#boxes : yield* this.#fitted(sized, top <= least);
      // Where a word has no place all of them shrink where they are, which makes room without a move.
      if (!boxes) {
        this.#burst = Math.min(this.#burst, this.#filled(words, top));
        continue;
      }
      [this.#boxes, this.#top, this.#isOutgrown] = [boxes, top, false];
      return this.#publish(words);
    }
  }

  /** Whether every word has its size and place already, and no word without a place is ahead of one that has one. */
  #stands(sized: readonly Sized[]): boolean {
    if (this.#isOutgrown) return false;
    const known = new Set(this.rest.map(({ text }) => text));
    let count = 0,
      isLast = false;
    for (const { text, box, isNew } of sized) {
      if (isNew && !known.has(text)) return false;
      if (!isNew && (isLast || this.#boxes.get(text)!.size !== box.size)) return false;
      isLast ||= isNew;
      if (!isNew) count++;
    }
    return count === this.#boxes.size;
  }

  /**
   * Finds a place for each word in its turn, and returns null as soon as one has none. In the `last` try the others
   * have theirs nevertheless.
   */
  *#fitted(sized: readonly Sized[], last: boolean): Generator<undefined, Map<string, Box> | null> {
    const settled: Box[] = [],
      boxes = new Map<string, Box>();
    // Old places that still have to be confirmed.
    const waiting = new Map(sized.filter(({ isNew }) => !isNew).map((one) => [one.text, one]));
    if (waiting.size < this.#boxes.size) this.#barred = [];
    for (const { text, votes, box, isNew } of sized) {
      waiting.delete(text);
      const later = [...waiting.values()],
        all = [...settled, ...later.map(({ box }) => box)];
      // Words with fewer votes make way, if it must be.
      const weaker = later.length && later.at(-1)!.votes < votes;
      const firm = weaker ? [...settled, ...later.filter((one) => one.votes === votes).map(({ box }) => box)] : null;
      const place = isNew ? this.#forNew(box, all, last ? firm : null, last) : this.#forOld(box, settled, all, firm);
      if (!place && !last) return null;
      if (place) {
        const settles = { ...box, x: place.x, y: place.y };
        const old = this.#boxes.get(text);
        if (old && (old.x !== place.x || old.y !== place.y || old.w > box.w)) this.#barred = [];
        settled.push(settles);
        boxes.set(text, settles);
      }
      yield;
    }
    return boxes;
  }

  /**
   * Finds a place for a word that had one: where it is, unless a word with more votes has taken that. Other words make
   * way for it if it would have to move by more than its own height.
   */
  #forOld(box: Box, settled: readonly Box[], all: readonly Box[], firm: readonly Box[] | null): Place | null {
    if (isFree(box, all, this.#area, this.work)) return box;
    const find = (taken: readonly Box[], most?: number) => freePlace(box, taken, this.#area, 1, this.work, most);
    if (isFree(box, settled, this.#area, this.work)) return find(all, 2 * box.h) ?? box;
    return find(all) ?? (firm && find(firm));
  }

  /** Finds a place for a new word, which leaves itself room to grow if it can. */
  #forNew(box: Box, all: readonly Box[], firm: readonly Box[] | null, last: boolean): Place | null {
    const { width, height } = this.#area;
    const find = (one: Box, taken: readonly Box[]) => freePlace(one, taken, this.#area, width / height, this.work);
    if (!last) return find({ ...box, w: box.w * STEP, h: box.h * STEP }, all) ?? find(box, all);
    if (!firm && this.#barred.some(({ w, h }) => box.w >= w && box.h >= h)) return null;
    const place = find(box, all) ?? (firm && find(box, firm));
    if (!place) this.#barred.push(box);
    return place;
  }

  /** Returns where a new word wants to be: the larger it is, the nearer to the middle. */
  #target(text: string, part: number): Place {
    const { width, height } = this.#area;
    const angle = 2 * Math.PI * drawn(text),
      away = 0.1 + 0.35 * (1 - part) * drawn(`${text}.`);
    return { x: (width / 2) * (1 + away * Math.cos(angle)), y: (height / 2) * (1 + away * Math.sin(angle)) };
  }

  /** Returns the greatest size at which all words would have room if their extents were all that mattered. */
  #scaled(words: readonly Word[], least: number): number {
    const largest = largestIn(this.#area);
    let top = Math.max(least, Math.min(largest, this.#top));
    const larger = Math.min(largest, top * STEP);
    if (this.#filled(words, larger) < EMPTY * this.#burst) return larger;
    while (top > least && this.#filled(words, top) > FULL) top = Math.max(least, top / STEP);
    return top;
  }

  /** Returns which part of the area words would fill. */
  #filled(words: readonly Word[], top: number): number {
    const { width, height } = this.#area;
    return this.#sizes.sum(words.slice(0, MOST), top, this.#boxes) / (width * height);
  }

  /**
   * Returns the words that are to be shown with their sizes, in the order in which they get their places: most votes
   * first, and of equal ones those that have a place.
   */
  #sized(words: readonly Word[], top: number): Sized[] {
    const sizes = this.#sizes.of(words, top, this.#boxes);
    const sized = words.flatMap(({ text, votes }): Sized[] => {
      const size = this.#sizes.fitting(text, sizes.get(votes)!, this.#area);
      if (size < FLOOR) return [];
      const { width, height } = this.#sizes.extent(text),
        old = this.#boxes.get(text);
      const { x, y } = old ?? this.#target(text, size / top);
      return [{ text, votes, box: { x, y, size, w: (size * width) / 2, h: (size * height) / 2 }, isNew: !old }];
    });
    return sized.sort((a, b) => b.votes - a.votes || Number(a.isNew) - Number(b.isNew)).slice(0, MOST);
  }

  /** Makes known what has a place. */
  #publish(words: readonly Word[]): void {
    const most = Math.max(...words.map(({ votes }) => votes));
    this.rest = words.filter(({ text }) => !this.#boxes.has(text));
    const was = new Map(this.placed.map((one, turn) => [one.text, { one, turn }]));
    const turn = ({ text }: Placed) => was.get(text)?.turn ?? was.size;
    const placed = words.flatMap(({ text, votes }): Placed[] => {
      const box = this.#boxes.get(text);
      if (!box) return [];
      const { size, x, y } = box,
        leads = votes === most,
        old = was.get(text)?.one;
      if (old?.size === size && old.x === x && old.y === y && old.leads === leads) return [old];
      const isAway = old !== undefined && Math.hypot(x - old.x, y - old.y) > FAR;
      const hops = (old?.hops ?? 0) + Number(isAway);
      return [{ text, size, x, y, leads, tone: Math.floor(TONES * drawn(`:${text}`)), hops, isAway }];
    });
    placed.sort((a, b) => turn(a) - turn(b));
    if (placed.length !== this.placed.length || placed.some((one, i) => one !== this.placed[i])) this.placed = placed;
  }
}
