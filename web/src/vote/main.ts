// The voter's page. The language comes first, for without it there is nothing to say; meanwhile the frame in
// vote.html stands.

import { Room } from "../live/room.svelte";
import { applyTheme } from "../ui/theme";
import { anew } from "./anew";
import { mount } from "./dom.svelte";
import { page } from "./page.svelte";
import { place } from "./place.svelte";
import { preferred, speech } from "./words.svelte";

applyTheme();
// The room is entered while the language is on its way.
const room = place.code === null ? null : new Room(place.code);
speech.use(preferred()).then(() => mount(document.getElementById("app")!, () => page(room)), () => anew());
