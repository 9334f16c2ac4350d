// Asks for something again and again while its page is looked at; the last answer stays while none comes.

import type { Answer, Problem } from "../api/call";

/** Asks for a value regularly. */
export class Asked<T> {
  value = $state.raw<T | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** When the last answer came. */
  at = $state(0);

  #ask: () => Promise<Answer<T>>;
  #every: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #turn = 0;

  constructor(every: number, ask: () => Promise<Answer<T>>) {
    this.#every = every;
    this.#ask = ask;
    void this.again();
  }

  again = async () => {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    if (!document.hidden) {
      const answer = await this.#ask();
      if (this.#closed || turn !== this.#turn) return;
      if (answer.ok) {
        this.value = answer.data;
        this.at = Date.now();
      }
      this.problem = answer.ok ? null : answer.problem;
    }
    this.#timer = setTimeout(this.again, this.#every);
  };

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
