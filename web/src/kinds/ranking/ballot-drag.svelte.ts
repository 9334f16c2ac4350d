// Lets a voter drag rows by their handles, with a finger, a pen or a mouse. Rows move by transforms while one is
// held, and change places once, when it is let go. A held row is known by its key, because the list may change
// under the hand.

/** A handle that moves less than this many pixels is tapped rather than dragged. */
const STILL = 6;
/** This near to the edge of what is in sight, in pixels, a held row scrolls the page. */
const EDGE = 70;
/** The part of the way beyond that edge by which each picture scrolls. */
const PACE = 1 / 8;

/** `Hand` says what is held, by which pointer, how far below the row's middle, and where that pointer was and is. */
type Hand = { key: number; pointer: number; grip: number; began: number; y: number };
/** `Held` says from which row to which the held one goes, how far it has moved, and how much room it takes. */
type Held = { from: number; to: number; by: number; room: number };

/** Holds the row that is dragged in one list, whose rows carry `data-key`. */
export class Drag {
  #list: () => HTMLElement | undefined;
  #drop: (key: number, row: number) => void;
  #tap: (key: number) => void;
  #hand: Hand | null = null;
  #held = $state.raw<Held | null>(null);
  /** How often a row was let go. */
  releases = $state(0);
  #frame = 0;

  /** `drop` is called with the row into which something was dragged, and `tap` where it was not moved. */
  constructor(
    list: () => HTMLElement | undefined,
    drop: (key: number, row: number) => void,
    tap: (key: number) => void,
  ) {
    this.#list = list;
    this.#drop = drop;
    this.#tap = tap;
  }

  /** The row that is held. */
  get row(): number | null {
    return this.#held?.from ?? null;
  }

  /** Returns how far a row stands from its place, in pixels. */
  shift(row: number): number {
    if (!this.#held) return 0;
    const { from, to, by, room } = this.#held;
    if (row === from) return by;
    if (from < row && row <= to) return -room;
    return to <= row && row < from ? room : 0;
  }

  /** Takes hold of a row. */
  lift(event: PointerEvent, key: number) {
    if (event.button || this.#hand) return;
    const { pointerId: pointer, clientY: y } = event;
    const row = this.#rows().find((one) => this.#keyOf(one) === key);
    if (row) this.#hand = { key, pointer, grip: y - this.#middle(row), began: y, y };
  }

  /** Moves what is held. */
  pull({ pointerId, clientY }: PointerEvent) {
    const hand = this.#hand;
    if (hand?.pointer !== pointerId) return;
    hand.y = clientY;
    if (!this.#held && Math.abs(clientY - hand.began) < STILL) return;
    if (!this.#held) this.#frame = requestAnimationFrame(this.#scroll);
    this.#settle();
  }

  /** Lets go of what is held. */
  release({ pointerId }: PointerEvent) {
    const hand = this.#hand,
      held = this.#held;
    if (hand?.pointer !== pointerId) return;
    this.cancel();
    if (!held) this.#tap(hand.key);
    else if (held.to !== held.from) this.#drop(hand.key, held.to);
  }

  /** Puts back what is held. */
  cancel() {
    cancelAnimationFrame(this.#frame);
    if (this.#held) this.releases++;
    this.#hand = this.#held = null;
  }

  #rows = () => [...(this.#list()?.children ?? [])] as HTMLElement[];
  #keyOf = (row: HTMLElement) => Number(row.dataset.key);

  /** Returns where a row's middle is in the window, wherever a drag has moved it. */
  #middle(row: HTMLElement): number {
    return this.#list()!.getBoundingClientRect().top + row.offsetTop + row.offsetHeight / 2;
  }

  /** Works out what the hand means for the rows that are there now; nothing, once its own row is gone. */
  #settle() {
    const { key, grip, y } = this.#hand!;
    const rows = this.#rows(),
      at = y - grip;
    const from = rows.findIndex((row) => this.#keyOf(row) === key);
    if (from < 0) return this.cancel();
    const { offsetHeight: height } = rows[from]!,
      [first, second] = rows;
    const gap = second ? second.offsetTop - first!.offsetTop - first!.offsetHeight : 0;
    // A row makes room once the held one's edge has passed its middle.
    const above = rows.filter((row, i) => i < from && at - height / 2 < this.#middle(row)).length,
      below = rows.filter((row, i) => i > from && at + height / 2 > this.#middle(row)).length;
    this.#held = { from, to: from - above + below, by: at - this.#middle(rows[from]!), room: height + gap };
  }

  /** Scrolls for as long as the hand is near an edge: the window's, or that of what lies over its lower part. */
  #scroll = () => {
    if (!this.#hand) return;
    const { y } = this.#hand;
    const floor = document.querySelector(".dock")?.getBoundingClientRect().top ?? innerHeight;
    const beyond = Math.min(0, y - EDGE) + Math.max(0, y - (floor - EDGE));
    if (beyond) {
      scrollBy(0, beyond * PACE);
      this.#settle();
    }
    this.#frame = requestAnimationFrame(this.#scroll);
  };
}
