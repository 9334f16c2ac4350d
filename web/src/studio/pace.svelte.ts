// How many vote per second, over the last minute: what a live number alone does not tell.

const SECONDS = 60;

export class Pace {
  /** Voters counted in each of the last sixty whole seconds, the newest last. */
  seconds = $state.raw<readonly number[]>(new Array<number>(SECONDS).fill(0));
  /** Per second, over the last five of them. */
  readonly now = $derived(this.seconds.slice(-5).reduce((sum, one) => sum + one, 0) / 5);

  #count = 0;
  #timer = setInterval(() => this.#tick(), 1_000);

  /** So many more were counted. */
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
