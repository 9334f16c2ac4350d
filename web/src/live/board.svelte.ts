// Keeps the leaderboard live. Versions of a leaderboard are counted by each node, so the one that a hello
// brings always stands.

import { getLeaderboard } from "../api/operations";
import type { Leaderboard } from "../api/generated";
import { Connection, type Wiring } from "./connection";
import { Frames } from "./frames";
import { Link } from "./link.svelte";

/** Follows the leaderboard over a connection of its own. */
export class Board {
  readonly link = new Link();
  ranks = $state.raw<Leaderboard | null>(null);

  #version = -1;
  #frames = new Frames();
  #connection: Connection;

  constructor(ways: Pick<Wiring, "socket" | "stream"> = {}) {
    this.#connection = new Connection({
      query: "?leaderboard",
      ask: () => this.#ask(),
      message: (message) => {
        if (message.type === "hello" && message.leaderboard) this.#take(message.leaderboard, true);
        if (message.type === "leaderboard.changed") this.#take(message.leaderboard);
      },
      state: this.link.show,
      ...ways,
    });
  }

  close() {
    this.#connection.close();
  }

  #take(ranks: Leaderboard, afresh = false) {
    if (ranks.version < this.#version && !afresh) return;
    this.#version = ranks.version;
    this.#frames.next("ranks", () => {
      this.ranks = ranks;
    });
  }

  async #ask() {
    const answer = await getLeaderboard({ query: { limit: 10 } });
    if (!answer.ok) return null;
    // Another node may have answered, whose version says nothing here; so the figures are compared.
    const figures = (ranks: Leaderboard | null) => JSON.stringify({ ...ranks, version: null });
    const news = figures(answer.data) !== figures(this.ranks);
    if (news) this.#take(answer.data, true);
    return { news };
  }
}
