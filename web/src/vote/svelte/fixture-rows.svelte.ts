// Mounts lists and branches, and changes what they show, for the test of their shorter form.

import { flushSync, mount } from "svelte";
import Rows from "./FixtureRows.svelte";

/** A `Row` is a row of a list. */
export type Row = { id: number; text: string };

/** `Shown` is what the lists and branches show. */
export class Shown {
  rows = $state.raw<Row[]>([]);
  branch = $state.raw<string>();
}

const shown = new Shown();

export const begin = (target: Element) => void mount(Rows, { target, props: { shown } });

export function show(rows: Row[], branch?: string) {
  shown.rows = rows;
  shown.branch = branch;
  flushSync();
}
