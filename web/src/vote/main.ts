// Starts the voter's page. The language comes first, because without it there is nothing to say. Meanwhile the
// frame in vote.html stands; the page that replaces it has the same measures.

import { mount } from "svelte";
import { Room } from "../live/room.svelte";
import { applyTheme } from "../ui/theme";
import { anew } from "./anew";
import { kinds } from "./kinds.svelte";
import Page from "./Page.svelte";
import { place } from "./place.svelte";
import { preferred, speech } from "./words.svelte";

applyTheme();
// The room is entered while the language is on its way.
const entered = place.code === null ? null : new Room(place.code);
// Where the page does not bring a kind along, the commonest one is begun at once.
if (place.code !== null && !document.querySelector("link[rel=modulepreload]")) kinds.ahead([{ kind: "single" }]);
function show() {
  const target = document.getElementById("app")!;
  target.replaceChildren();
  mount(Page, { target, props: { entered } });
}
speech.use(preferred()).then(show, () => anew());
