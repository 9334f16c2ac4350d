// Measures what the letters of a text need of its lines. In Burmese, Khmer, Tibetan, or Arabic with its vowel
// signs, they reach further than a line is high elsewhere. Other means fail: a style sheet sees neither
// script nor font, a list of scripts does not know how deep the font at hand goes, and no clip can part a
// tail from the heads of a line that is left out.

import type { Attachment } from "svelte/attachments";

/** The distance of the lines of `.lines` where letters allow it, in the text's own size. */
export const LINE = 1.3;

/** `Ink` says how far lines are apart, and what hangs below the last of them, both in the text's own size. */
export type Ink = { line: number; deep: number };

/** The font size at which letters are measured: the larger, the finer. */
const SIZE = 100;
/**
 * What rounding to pixels may add: to the heads of a next line that is left out, and to the tails that are
 * seen.
 */
const HEADS = 0.1,
  TAILS = 0.05;
/** What letters need in most scripts. */
export const USUAL: Ink = { line: LINE, deep: 0 };
let pen: CanvasRenderingContext2D | null | undefined;

/**
 * The texts that were measured, because rows ask anew with every vote. When there are too many all are
 * forgotten.
 */
const known = new Map<string, Ink>();
const MOST = 1_000;

/** Measures a text at its boldest, so that a row that comes to lead moves nothing. */
export function ink(text: string): Ink {
  let of = known.get(text);
  if (!of) {
    if (known.size >= MOST) known.clear();
    known.set(text, (of = measured(text)));
  }
  return of;
}

function measured(text: string): Ink {
  pen ??= globalThis.CanvasRenderingContext2D ? document.createElement("canvas").getContext("2d") : null;
  if (!pen) return USUAL;
  pen.font = `800 ${SIZE}px ${getComputedStyle(document.body).fontFamily}`;
  const of = pen.measureText(text);
  const above = of.actualBoundingBoxAscent / SIZE,
    below = of.actualBoundingBoxDescent / SIZE;
  // The distance from a line's middle down to its baseline follows the first font, whichever font the letters
  // are from.
  const middle = (of.fontBoundingBoxAscent - of.fontBoundingBoxDescent) / 2 / SIZE;
  if (above <= LINE / 2 + middle && below <= LINE / 2 - middle) return USUAL;
  const line = Math.max(LINE, above + HEADS + below + TAILS, 2 * (above + HEADS - middle));
  return { line, deep: Math.max(0, below + TAILS + middle - line / 2) };
}

/** Returns how high so many lines are. */
export const height = ({ line, deep }: Ink, lines = 1): number => lines * line + deep;

/** Returns the most lines that are no higher than `high`. */
export const within = ({ line, deep }: Ink, high: number): number => Math.floor((high - deep) / line + 1e-6);

/** Tells an element's style sheet what its text needs, where that is not as usual. */
export function inked(text: string): Attachment<HTMLElement> {
  return ({ style }) => {
    const { line, deep } = ink(text);
    style.setProperty("--line", line > LINE ? `${line}` : "");
    style.setProperty("--deep", deep ? `${deep}em` : "");
  };
}
