// Loads the kinds of polls that this page can show, each once there is a poll of it. The page of a poll whose kind
// the server knows brings the kind's script along (`kindPages` in `vite.config.ts`).

import type { BallotKind } from "./kind";
import { addStyle } from "./style";

/** A kind that is given polls of its own kind only, which the compiler cannot know. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyKind = BallotKind<any, any>;

const choice = () => import("../kinds/choice/ballot");
const LOAD: Record<string, () => Promise<{ default: AnyKind }>> = {
  single: choice,
  multiple: choice,
  rating: () => import("../kinds/rating/ballot"),
  ranking: () => import("../kinds/ranking/ballot"),
  points: () => import("../kinds/points/ballot"),
  number: () => import("../kinds/number/ballot"),
  words: () => import("../kinds/words/ballot"),
};

class Kinds {
  #loaded = $state.raw<Record<string, AnyKind>>({});

  /** Returns a kind; undefined until it is loaded. */
  of = (kind: string): AnyKind | undefined => this.#loaded[kind];

  /** Loads a kind and its style; throws when it cannot be loaded. */
  async load(kind: string) {
    if (this.#loaded[kind]) return;
    const { default: loaded } = (await LOAD[kind]?.()) ?? {};
    if (!loaded) return;
    if (!Object.values(this.#loaded).includes(loaded)) addStyle(loaded.style);
    this.#loaded = { ...this.#loaded, [kind]: loaded };
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
