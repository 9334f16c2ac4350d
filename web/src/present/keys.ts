// Handles the keys of every screen in front of a room: light or dark, larger or smaller, full screen, and
// those that a page adds. They do nothing while a field or a dialog has the focus.

import { toggleTheme } from "../ui/theme";

/** `Acts` is what each key does. */
export type Acts = Record<string, () => unknown>;

/** Switches full screen on or off. */
export function fullScreen() {
  const { documentElement: page } = document;
  const done = document.fullscreenElement ? document.exitFullscreen() : page.requestFullscreen?.();
  // The browser may refuse, or whoever frames the page.
  done?.catch(() => {});
}

/** Returns a listener to keys by their `event.key` in lower case. */
export function keys(acts: Acts): (event: KeyboardEvent) => void {
  const all: Acts = { t: toggleTheme, f: fullScreen, ...acts };
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
    const on = event.target instanceof Element ? event.target : document.body;
    if (on.closest("input, textarea, select, dialog, [contenteditable]")) return;
    // A button or link takes these two keys for itself.
    if ([" ", "Enter"].includes(event.key) && on.closest("button, a, summary")) return;
    const act = all[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  };
}
