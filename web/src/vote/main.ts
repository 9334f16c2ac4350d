// Starts the voter's page. The language comes first, because without it there is nothing to say; meanwhile
// the frame in vote.html stands.

import { mount } from "svelte";
import { Room } from "../live/room.svelte";
import { applyTheme } from "../ui/theme";
import { anew } from "./anew";
import Page from "./Page.svelte";
import { place } from "./place.svelte";
import { preferred, speech } from "./words.svelte";

applyTheme();
// The room is entered while the language is on its way.
const entered = place.code === null ? null : new Room(place.code);
function show() {
  const target = document.getElementById("app")!;
  target.replaceChildren();
  mount(Page, { target, props: { entered } });
}
speech.use(preferred()).then(show, () => anew());
