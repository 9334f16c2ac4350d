// Sets the theme, light or dark: the system's until somebody chooses another.

import { recall, remember } from "./storage";

export type Theme = "light" | "dark";

/** Applies what was chosen on this device, or else `otherwise` (null: what the system says). */
export function applyTheme(otherwise: Theme | null = null) {
  const theme = recall<Theme>("theme") ?? otherwise;
  if (theme) document.documentElement.dataset.theme = theme;
}

/** Switches to the other theme, and remembers it. */
export function toggleTheme(): Theme {
  const shown =
    document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const theme = shown === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  remember("theme", theme);
  return theme;
}
