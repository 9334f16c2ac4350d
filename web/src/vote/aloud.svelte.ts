// Says aloud what changes, for screen readers: at most every ten seconds, and always the newest.

const EVERY = 10_000;
/** What changes twice within this many milliseconds is said once. */
const SETTLE = 1_000;

/** Speaks to screen readers. */
export class Aloud {
  words = $state("");
  #due = 0;
  #next = "";
  #waiting: ReturnType<typeof setTimeout> | undefined;

  /**
   * Says this when it is time, unless something newer has come by then, which in a busy room is always the
   * case.
   */
  later(words: string) {
    if (words === this.words) return this.close();
    this.#next = words;
    this.#waiting ??= setTimeout(() => this.now(this.#next), Math.max(SETTLE, this.#due - performance.now()));
  }

  /** Says this at once. */
  now(words: string) {
    this.close();
    this.#due = performance.now() + EVERY;
    this.words = words;
  }

  /** Takes back what was said last and what is about to be said, because it must not be read any more. */
  hush() {
    this.close();
    this.words = "";
  }

  close() {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
  }
}
