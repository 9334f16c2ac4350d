// Loads the kinds of polls that this page can show. The usual one comes with the page; another is loaded once
// there is a poll of it.

import { choice } from "../kinds/choice/ballot";
import type { BallotKind } from "./kind";

/** A kind that is given polls of its own kind only, which the compiler cannot know. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyKind = BallotKind<any>;

const LOAD: Record<string, () => Promise<{ default: AnyKind }>> = {
  rating: () => import("../kinds/rating/ballot"),
};

class Kinds {
  #loaded = $state.raw<Record<string, AnyKind>>({ single: choice, multiple: choice });

  /** Returns a kind; undefined until it is loaded. */
  of = (kind: string): AnyKind | undefined => this.#loaded[kind];

  /** Loads a kind; throws when it cannot be loaded. */
  async load(kind: string) {
    if (this.#loaded[kind]) return;
    const { default: loaded } = (await LOAD[kind]?.()) ?? {};
    if (loaded) this.#loaded = { ...this.#loaded, [kind]: loaded };
  }

  /**
   * Loads what these polls need before one of them is shown. Should it not come, it is asked for again then.
   */
  ahead(polls: readonly { kind: string }[]) {
    for (const { kind } of polls) this.load(kind).catch(() => {});
  }
}

/** The kinds that are loaded. */
export const kinds = new Kinds();
