// What is said aloud to those who listen to the page: at most every ten seconds, always the newest.

const EVERY = 10_000;
/** What changes twice within this is said once. */
const SETTLE = 1_000;

export class Aloud {
  words = $state("");
  #due = 0;
  #next = "";
  #waiting: ReturnType<typeof setTimeout> | undefined;

  /** Say this when it is time, unless something newer has come by then: in a busy room something always has. */
  later(words: string) {
    if (words === this.words) return this.close();
    this.#next = words;
    this.#waiting ??= setTimeout(() => this.now(this.#next), Math.max(SETTLE, this.#due - performance.now()));
  }

  /** Say this at once. */
  now(words: string) {
    this.close();
    this.#due = performance.now() + EVERY;
    this.words = words;
  }

  close() {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
  }
}
