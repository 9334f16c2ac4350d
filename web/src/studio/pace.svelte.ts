// Counts how many vote per second over the last minute, which a live number alone does not tell.

const SECONDS = 60;

/** Counts the voters of the last minute. */
export class Pace {
  /** The voters counted in each of the last sixty whole seconds, the newest last. */
  seconds = $state.raw<readonly number[]>(new Array<number>(SECONDS).fill(0));
  /** The voters per second, over the last five seconds. */
  readonly now = $derived(this.seconds.slice(-5).reduce((sum, one) => sum + one, 0) / 5);

  #count = 0;
  #timer = setInterval(() => this.#tick(), 1_000);

  /** Adds voters that were counted just now. */
  add(voters: number) {
    if (voters > 0) this.#count += voters;
  }

  close() {
    clearInterval(this.#timer);
  }

  #tick() {
    if (!this.#count && this.seconds.every((one) => one === 0)) return;
    this.seconds = [...this.seconds.slice(1), this.#count];
    this.#count = 0;
  }
}
