// Paints once per frame: however many messages arrive, the page changes once. A hidden page gets no frames,
// and is brought up to date by a timer.

const HIDDEN = 250;

/** Collects the works for the next frame. */
export class Frames {
  #due = new Map<string, () => void>();
  #frame = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Does this in the next frame; of several works under one name only the last. */
  next(name: string, work: () => void) {
    this.#due.set(name, work);
    if (this.#frame || this.#timer) return;
    if (document.hidden) this.#timer = setTimeout(() => this.flush(), HIDDEN);
    else this.#frame = requestAnimationFrame(() => this.flush());
  }

  /** Does now what is due in the next frame. */
  flush() {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
    this.#frame = 0;
    this.#timer = undefined;
    const due = [...this.#due.values()];
    this.#due.clear();
    for (const work of due) work();
  }
}
