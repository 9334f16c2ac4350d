// How many event streams a browser keeps. Over HTTP/1.1 it has six connections to a server for all of its tabs together,
// and a stream holds one for good: six tabs would hold them all, and no vote could be sent. So each tab says, by what
// the browser remembers for all of them, when it opens a stream, and one that hears of as many newer ones gives its own
// up. Web Locks would do it better, but are not to be had on plain HTTP.

import { changedName, forget, recall, remember, tab } from "../ui/storage";

/** Streams that are kept: half of the connections stay free. */
const MOST = 3;
const NAME = "stream",
  LEFT = "page";
/** One name for this page and those that it is reloaded into: each leaves it to the next as it goes. A copy of the tab finds none. */
const page = recall<number>(LEFT, tab) ?? Math.random();
forget(LEFT, tab);
addEventListener("pagehide", () => remember(LEFT, page, tab));

/** Say that a stream for `query` is opened; `makeRoom` is called if it must go. Returns how to stop listening. */
export function claim(query: string, makeRoom: () => void): () => void {
  const newer = new Set<unknown>();
  const listen = (event: StorageEvent) => {
    if (changedName(event) !== NAME) return;
    newer.add(event.newValue?.split(" ")[0]);
    if (newer.size >= MOST) makeRoom();
  };
  addEventListener("storage", listen);
  // Where nothing is remembered nobody hears of the others: then there are no streams.
  const alone = remember(NAME, `${page}${query} ${Date.now()}`) ? undefined : setTimeout(makeRoom);
  return () => {
    clearTimeout(alone);
    removeEventListener("storage", listen);
  };
}
