// Makes an event's colour legible: against both the page and the cards of the theme that is shown.

import { onDestroy } from "svelte";
import { follow } from "./follow.svelte";

/** The contrast that text needs (WCAG 2.2, 1.4.3). */
const ENOUGH = 4.5;
const DARK = "#0f1218",
  LIGHT = "#ffffff";
/** What the accent stands on: the page, and the cards. */
const GROUNDS = { light: ["#f6f7f9", "#ffffff"], dark: ["#0f1218", "#171b23"] };

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

/** Returns the contrast of two colours by WCAG, from 1 to 21. */
export function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high! + 0.05) / (low! + 0.05);
}

/** Returns the colour and what can be written on it; null where it would not be legible. */
export function legible(accent: string | null, theme: "light" | "dark"): { accent: string; on: string } | null {
  if (!accent || !/^#[0-9a-f]{6}$/i.test(accent)) return null;
  if (GROUNDS[theme].some((ground) => contrast(accent, ground) < ENOUGH)) return null;
  const on = contrast(accent, LIGHT) >= contrast(accent, DARK) ? LIGHT : DARK;
  return { accent, on };
}

/** Gives the page this colour while the component lives. */
export function accentOf(accent: () => string | null) {
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  let dark = $state.raw(scheme.matches);
  const changed = () => {
    dark = scheme.matches;
  };
  scheme.addEventListener("change", changed);
  onDestroy(() => scheme.removeEventListener("change", changed));
  const { style, dataset } = document.documentElement;
  const theme = () => dataset.theme ?? (dark ? "dark" : "light");
  follow(accent, (wanted) =>
    follow(theme, (theme) => {
      const found = legible(wanted, theme === "dark" ? "dark" : "light");
      if (!found) return;
      style.setProperty("--accent", found.accent);
      style.setProperty("--on-accent", found.on);
      return () => {
        style.removeProperty("--accent");
        style.removeProperty("--on-accent");
      };
    }),
  );
}
