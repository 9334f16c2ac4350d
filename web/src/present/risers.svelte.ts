// Notes which entries of a ranking have risen just now.

import { untrack } from "svelte";

const SHOWN = 2_500;

/** Knows which entries of one ranking have risen just now. */
export class Risers {
  #risen = $state.raw<ReadonlySet<string>>(new Set());
  #ranks = new Map<string, number>();

  constructor(entries: () => { key: string; rank: number }[]) {
    $effect(() => {
      const now = new Map(entries().map(({ key, rank }) => [key, rank]));
      for (const [key, rank] of now) {
        const before = this.#ranks.get(key);
        if (before !== undefined && rank < before) this.#rise(key);
      }
      this.#ranks = now;
    });
  }

  has = (key: string) => this.#risen.has(key);

  #rise(key: string) {
    this.#risen = new Set(untrack(() => this.#risen)).add(key);
    setTimeout(() => {
      this.#risen = new Set([...this.#risen].filter((other) => other !== key));
    }, SHOWN);
  }
}
