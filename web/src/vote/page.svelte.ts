// What is on the page: the field for the code, or the room that the address names.

import { Ballots } from "./ballots.svelte";
import { part } from "./dom.svelte";
import { foot, scene, top } from "./frame.svelte";
import { hall } from "./hall.svelte";
import { join } from "./join.svelte";
import { place } from "./place.svelte";

export function page(): Node[] {
  const ballots = new Ballots();
  return [part(() => place.code, (code) => (code === null ? lobby() : hall(code, ballots)))];
}

function lobby(): HTMLElement {
  return scene(top(() => null, null), join(), foot(() => null));
}
