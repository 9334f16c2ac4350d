// How an option is told apart: a letter, a colour, and from the seventh on a hatch as well. Colour is never alone.

/** A, B, … Z, AA, AB, …; `index` from 0. */
export function letter(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : letter(Math.floor(index / 26) - 1) + last;
}

const COLOURS = ["a", "b", "c", "d", "e", "f"];

/** The custom property of its colour, for `style:--colour`. */
export const colour = (index: number): string => `var(--${COLOURS[index % COLOURS.length]})`;

/** Whether it is hatched: its colour is another option's as well. */
export const hatched = (index: number): boolean => index >= COLOURS.length;
