// What is said aloud to those who listen to the page: at most every ten seconds, always the newest.

const EVERY = 10_000;
/** What changes twice within this is said once. */
const SETTLE = 1_000;

export class Aloud {
  words = $state("");
  #due = 0;
  #waiting: ReturnType<typeof setTimeout> | undefined;

  /** Say this when it is time. */
  later(words: string) {
    clearTimeout(this.#waiting);
    if (words === this.words) return;
    this.#waiting = setTimeout(() => this.now(words), Math.max(SETTLE, this.#due - Date.now()));
  }

  /** Say this at once. */
  now(words: string) {
    clearTimeout(this.#waiting);
    this.#due = Date.now() + EVERY;
    this.words = words;
  }

  close() {
    clearTimeout(this.#waiting);
  }
}
