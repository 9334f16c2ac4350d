// Limits how many event streams a browser keeps. Over HTTP/1.1 a browser has six connections to a server for
// all of its tabs together, and a stream holds one for good: six tabs would hold them all, and no vote could
// be sent. So each tab announces over storage that all tabs share when it opens a stream, and a tab that
// hears of as many newer ones gives its own up. Web Locks would suit better, but plain HTTP does not have
// them.

import { changedName, forget, recall, remember, tab } from "../ui/storage";

/** The number of streams that are kept: half of the connections stay free. */
const MOST = 3;
const NAME = "stream",
  LEFT = "page";
/**
 * A name for this page and those that it is reloaded into: each leaves it to the next as it goes. A copy of
 * the tab finds none.
 */
const page = recall<number>(LEFT, tab) ?? Math.random();
forget(LEFT, tab);
addEventListener("pagehide", () => remember(LEFT, page, tab));

/**
 * Announces that a stream for `query` is opened; `makeRoom` is called if it must go. Returns a function that
 * stops listening.
 */
export function claim(query: string, makeRoom: () => void): () => void {
  const newer = new Set<unknown>();
  const listen = (event: StorageEvent) => {
    if (changedName(event) !== NAME) return;
    newer.add(event.newValue?.split(" ")[0]);
    if (newer.size >= MOST) makeRoom();
  };
  addEventListener("storage", listen);
  // Where nothing is remembered, tabs do not hear of one another; then there are no streams.
  const alone = remember(NAME, `${page}${query} ${Date.now()}`) ? undefined : setTimeout(makeRoom);
  return () => {
    clearTimeout(alone);
    removeEventListener("storage", listen);
  };
}
