// When the poll closes: counted down in the last hour, before that as a time.

import { now } from "../api/clock";
import type { Poll } from "../api/generated";
import { countdown } from "../ui/writing";
import { el, follow } from "./dom.svelte";
import { say, time } from "./words.svelte";

const HOUR = 3600;
/** The last of them stand out. */
const SOON = 10;

export function closing(poll: () => Poll): HTMLElement {
  const at = $derived(poll().status === "open" ? poll().closesAt : null);
  let left = $state(0);
  follow(() => at, (at) => {
    if (at === null) return;
    const count = () => { left = Math.max(0, Math.ceil((Date.parse(at) - now()) / 1000)); };
    count();
    const timer = setInterval(count, 1_000);
    return () => clearInterval(timer);
  });
  const words = () => {
    if (at === null) return "";
    if (left > HOUR) return say("openUntil", { time: time(new Date(at)) });
    return say("closesIn", { time: countdown(1000 * left) });
  };
  return el("span", { class: () => (left <= SOON ? "number soon" : "number"), role: "timer" }, words);
}
