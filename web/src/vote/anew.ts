// Loads the page anew when a part of it did not come, because browsers keep a failed import as failed. It
// waits until Pollux can be reached: otherwise the page of a proxy or a portal would replace this one for
// good, while a socket that was open before still works.

import { hopeless } from "../api/call";
import { getAddress, getEvent } from "../api/operations";
import { backOff } from "../live/backoff";
import { place } from "./place.svelte";

/** Loads the page anew as soon as Pollux answers. */
export function anew(tries = 0) {
  setTimeout(() => void isOurs().then((ours) => (ours ? location.reload() : anew(tries + 1))), 500 + backOff(tries));
}

/** Whether the page can be loaded, and Pollux answers here. */
async function isOurs(): Promise<boolean> {
  const { ok } = await fetch(location.pathname, { method: "HEAD", cache: "no-store" }).catch(() => ({ ok: false }));
  return ok && (await polluxAnswers());
}

/**
 * Whether Pollux answers. Anything may answer with status 200, but a body of our own shape is nobody else's,
 * even one that says that a code leads nowhere.
 */
async function polluxAnswers(): Promise<boolean> {
  const { code } = place;
  const { ok, status } = await (code === null ? getAddress({}) : getEvent({ path: { id: code } }));
  return ok || hopeless(status);
}
