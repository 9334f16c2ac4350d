// What every stage does by key: light or dark, larger or smaller, full screen.

import { recall, remember } from "./dom.js";

const root = document.documentElement;
const SMALLEST = 0.7, LARGEST = 1.6, STEP = 0.1;
let zoom = 1;

function theme(name) {
  root.dataset.theme = name;
  remember("theme", name);
}

function enlarge(by) {
  zoom = Math.min(LARGEST, Math.max(SMALLEST, Math.round((zoom + by) * 10) / 10));
  root.style.setProperty("--zoom", zoom);
  remember("zoom", zoom);
  // Whoever fits text to the screen does so on a resize, and this is one.
  dispatchEvent(new Event("resize"));
}

const COMMON = {
  t: () => theme(root.dataset.theme === "dark" ? "light" : "dark"),
  f: () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()),
  "+": () => enlarge(STEP),
  "=": () => enlarge(STEP),
  "-": () => enlarge(-STEP),
  "\u2212": () => enlarge(-STEP),
  0: () => enlarge(1 - zoom),
};

/** Heed the common keys and these, by `event.key` in lower case; never while a field has the focus. */
export function heed(own = {}) {
  theme(recall("theme") === "light" ? "light" : "dark");
  enlarge((recall("zoom") ?? 1) - zoom);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, button, dialog")) return;
    const key = event.key.toLowerCase();
    const act = own[key] ?? COMMON[key];
    if (act) { event.preventDefault(); act(); }
  });
}
