// Tells how fresh a page is, for whoever looks at it.

import type { State } from "./connection";

/** Holds the state of a page's connection, for components to show. */
export class Link {
  state = $state.raw<State>("connecting");
  /** Whole seconds since the server was last heard. */
  age = $state(0);

  /** The callback `state` of a `Connection`. */
  show = (state: State, heardAt: number) => {
    this.state = state;
    this.age = Math.max(0, Math.round((performance.now() - heardAt) / 1000));
  };
}
