// Judges whether an accent colour can be told from what it stands on (WCAG 2.2: 3:1 for shapes).

import { decimal } from "../../ui/numbers";

/** The cards' colours in both themes, as in tokens.css. */
const GROUNDS = { light: "#ffffff", dark: "#171b23" } as const;
const ENOUGH = 3;

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Returns the contrast of two colours by WCAG, from 1 to 21. */
export function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** Returns how the colour does on both grounds, in words. */
export function judge(accent: string): { fine: boolean; words: string } {
  const found = (["dark", "light"] as const).map((theme) => ({ theme, ratio: contrast(accent, GROUNDS[theme]) }));
  const poor = found.filter(({ ratio }) => ratio < ENOUGH);
  const figures = found.map(({ theme, ratio }) => `${decimal(ratio)}:1 on ${theme}`).join(", ");
  if (!poor.length) return { fine: true, words: `Easily told apart: ${figures}.` };
  const advice = poor[0]!.theme === "dark" ? "a lighter" : "a darker";
  return {
    fine: false,
    words: `Hard to see in the ${poor[0]!.theme} theme (${figures}): take ${advice} shade, at least 3:1.`,
  };
}
