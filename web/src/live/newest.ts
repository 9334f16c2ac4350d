// Keeps the newest version of everything. The server sends whole states, so nothing is ever replayed: of two
// states of one thing the one with the greater version stands. A new epoch means another server process with
// other versions, so they start afresh.

/** Knows the newest version of each thing that a page has seen. */
export class Newest {
  #epoch: string | undefined;
  #versions = new Map<string, number>();

  /** Notes the epoch of a server that has said hello. */
  greet(epoch: string) {
    if (this.#epoch !== undefined && this.#epoch !== epoch) this.#versions.clear();
    this.#epoch = epoch;
  }

  /** Whether this state of `id` is as new as any before; if so it is the newest from now on. */
  takes(id: string, version: number): boolean {
    if (version < (this.#versions.get(id) ?? -1)) return false;
    this.#versions.set(id, version);
    return true;
  }

  /** Whether this state would be news. */
  isNews(id: string, version: number): boolean {
    return version > (this.#versions.get(id) ?? -1);
  }
}
