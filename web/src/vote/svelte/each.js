// Takes the place of Svelte's module of the same name on the voter's page: it shows a row for each member of a list.
// Svelte's own also knows lists that wait, rows that come and go with a transition, and `{:else}`; nothing on that
// page has these. Rows are kept by their keys, created and removed as the list asks, and moved where they must be.

import { EACH_INDEX_REACTIVE, EACH_IS_CONTROLLED, EACH_ITEM_REACTIVE } from "../../../../constants.js";
import { block, branch, destroy_effect, unlink_effect } from "../../reactivity/effects.js";
import { internal_set, source } from "../../reactivity/sources.js";
import { active_effect } from "../../runtime.js";
import { create_text, get_next_sibling } from "../operations.js";

/** The key of a row that has no other: its place in the list. */
export const index = (_, at) => at;

export function each(node, flags, list, keyOf, render) {
  const end = flags & EACH_IS_CONTROLLED ? node.appendChild(create_text()) : node;
  const rows = new Map();

  /** Creates a row behind all others. */
  function create(value, at) {
    const item = flags & EACH_ITEM_REACTIVE ? source(value) : null;
    const place = flags & EACH_INDEX_REACTIVE ? source(at) : null;
    return { item, place, effect: branch(() => render(end, item ?? value, place ?? at, list)) };
  }

  block(() => {
    const keys = new Set();
    for (const value of list() ?? []) {
      const at = keys.size;
      const key = keyOf(value, at);
      const row = rows.get(key);
      if (!row) rows.set(key, create(value, at));
      else {
        if (row.item) internal_set(row.item, value);
        if (row.place) internal_set(row.place, at);
      }
      keys.add(key);
    }
    for (const [key, { effect }] of rows) {
      if (keys.has(key)) continue;
      destroy_effect(effect);
      rows.delete(key);
    }
    // The rows' effects stand in the order of their elements. `next` is the first behind those that are in place.
    let next = active_effect.first;
    for (const key of keys) {
      const { effect } = rows.get(key);
      // A row that is passed over moves when its turn comes, so that a row which moved down is the only one to move.
      if (next?.next === effect) next = effect;
      if (next === effect) next = effect.next;
      else move(effect, next, end);
    }
  });
}

/** Moves a row before the next one, or behind all others, with its effect. */
function move(effect, next, end) {
  const { parent } = effect;
  unlink_effect(effect);
  const previous = next ? next.prev : parent.last;
  effect.prev = previous;
  effect.next = next;
  if (previous) previous.next = effect;
  else parent.first = effect;
  if (next) next.prev = effect;
  else parent.last = effect;
  const before = next ? next.nodes.start : end;
  for (let { start, end: last } = effect.nodes, after; start; start = after) {
    after = start === last ? null : get_next_sibling(start);
    before.before(start);
  }
}
