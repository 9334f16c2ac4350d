// Takes the place of Svelte's module of the same name on the voter's page: it shows one of several branches of a
// template. Svelte's own also keeps branches that wait, or that go with a transition; nothing on that page does.

import { branch, destroy_effect } from "../../reactivity/effects.js";

export class BranchManager {
  /** The key of the branch that is shown; this object is nobody's. */
  #key = this;
  #shown = null;

  constructor(anchor) {
    this.anchor = anchor;
  }

  /** Shows the branch of this key from now on, or nothing where there is none to create. */
  ensure(key, create) {
    if (key === this.#key) return;
    this.#key = key;
    const before = this.#shown;
    this.#shown = create && branch(() => create(this.anchor));
    if (before) destroy_effect(before);
  }
}
