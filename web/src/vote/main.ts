// The voter's page. The language comes first, for without it there is nothing to say; meanwhile the frame in
// vote.html stands.

import { backOff } from "../live/backoff";
import { Room } from "../live/room.svelte";
import { applyTheme } from "../ui/theme";
import { mount } from "./dom.svelte";
import { page } from "./page.svelte";
import { place } from "./place.svelte";
import { preferred, speech } from "./words.svelte";

applyTheme();
// The room is entered while the language is on its way.
const room = place.code === null ? null : new Room(place.code);
speech.use(preferred()).then(() => mount(document.getElementById("app")!, () => page(room)), () => again(0));

/** The language did not come. Browsers keep a failed import as failed, so the page is loaded anew, once it can be. */
function again(tries: number) {
  setTimeout(() => {
    fetch(location.pathname, { method: "HEAD", cache: "no-store" })
      .then(() => location.reload(), () => again(tries + 1));
  }, 500 + backOff(tries));
}
