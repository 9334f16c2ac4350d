// A part of the page did not come. Browsers keep a failed import as failed, so the page is loaded anew, once it can be:
// the page of a proxy or a portal would stand in its place for good, while a socket that was open before still works.

import { hopeless } from "../api/call";
import { getAddress, getEvent } from "../api/operations";
import { backOff } from "../live/backoff";
import { place } from "./place.svelte";

export function anew(tries = 0) {
  setTimeout(() => void isOurs().then((ours) => (ours ? location.reload() : anew(tries + 1))), 500 + backOff(tries));
}

/** Whether the page can be loaded, and it is Pollux that answers here. */
async function isOurs(): Promise<boolean> {
  const { ok } = await fetch(location.pathname, { method: "HEAD", cache: "no-store" }).catch(() => ({ ok: false }));
  return ok && (await polluxAnswers());
}

/** Anybody's status may be 200. What is of our own shape is nobody else's, be it that a code leads nowhere. */
async function polluxAnswers(): Promise<boolean> {
  const { code } = place;
  const { ok, status } = await (code === null ? getAddress({}) : getEvent({ path: { id: code } }));
  return ok || hopeless(status);
}
