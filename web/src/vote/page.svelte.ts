// What is on the page: the field for the code, or the room that the address names.

import { Room } from "../live/room.svelte";
import { Ballots } from "./ballots.svelte";
import { part } from "./dom.svelte";
import { foot, scene, top } from "./frame.svelte";
import { hall } from "./hall.svelte";
import { join } from "./join.svelte";
import { place } from "./place.svelte";

/** `entered`: the room of the address as the page was opened. */
export function page(entered: Room | null): Node[] {
  const ballots = new Ballots();
  const enter = (code: string) => {
    const room = entered ?? new Room(code);
    entered = null;
    return hall(code, room, ballots);
  };
  return [part(() => place.code, (code) => (code === null ? lobby() : enter(code)))];
}

function lobby(): HTMLElement {
  return scene(top(() => null, null), join(), foot(() => null));
}
