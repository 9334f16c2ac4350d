// Decides how options are told apart, whatever a poll asks of them: by a letter, a colour, and from the seventh on
// a hatch as well. Colour never stands alone.

/** Returns A, B, … Z, AA, AB, …; `index` counts from 0. */
export function letter(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : letter(Math.floor(index / 26) - 1) + last;
}

const COLOURS = ["a", "b", "c", "d", "e", "f"];

/** Returns the custom property of an option's colour, for `style:--colour`. */
export const colour = (index: number): string => `var(--${COLOURS[index % COLOURS.length]})`;

/** Whether an option is hatched, because another option has its colour as well. */
export const hatched = (index: number): boolean => index >= COLOURS.length;
