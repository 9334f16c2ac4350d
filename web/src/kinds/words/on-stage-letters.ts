// Measures the letters of words for the cloud: on a canvas, once for each text, so that no layout of the page is asked
// for. A long phrase is set in two or three lines, and so is a very long word. What reaches further up or down than any
// script does is cut off.

import type { Extent } from "./cloud-sizes";

/**
 * `Letters` says how a text is set, in its own size: its lines, how far apart they are, the extent of its ink, and
 * where the middle of the ink is in the element. `cut` is by how much an element is clipped above and below, in its own
 * size.
 */
export type Letters = Extent & {
  readonly lines: readonly string[];
  readonly line: number;
  readonly x: number;
  readonly y: number;
  readonly cut: readonly [above: number, below: number] | null;
};

/** The font size at which letters are measured: the larger, the finer. */
const SIZE = 100;
/** The least distance of lines, and what parts the ink of one from that of the next. */
const LINE = 1.08,
  APART = 0.06;
/** Letters of any script reach at most so far above the line and below it. */
const MOST = { above: 1.25, below: 0.85 };
/** A text that is wider than this has two lines, and one that is wider than twice this has three. */
const BROAD = 8.5;
/** A word that is wider than this is parted between any two letters, or a narrow stage would have no room for it. */
const UNBROKEN = 2 * BROAD;
/** How many times wider than high a text is that needs more than three lines. */
const OBLONG = 3;
/** Scripts that part words by no space. */
const UNPARTED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

const known = new Map<string, Letters>();
const KNOWN = 3_000;
let pen: CanvasRenderingContext2D | null | undefined;

/** Forgets all texts, because a font has come. */
export function forgetLetters(): void {
  known.clear();
  pen = undefined;
}

/** Returns how a text is set. */
export function letters(text: string): Letters {
  let of = known.get(text);
  if (!of) {
    if (known.size >= KNOWN) known.clear();
    known.set(text, (of = measured(text)));
  }
  return of;
}

type Metrics = { advance: number; left: number; right: number; above: number; below: number; middle: number };

function measured(text: string): Letters {
  const whole = metrics(text).advance;
  const usual = whole > 2 * BROAD ? 3 : whole > BROAD ? 2 : 1;
  const count = Math.max(usual, Math.ceil(Math.sqrt(whole / OBLONG) - 0.5));
  const lines = inLines(text, count, (part) => metrics(part).advance);
  const all = lines.map(metrics);
  const broad = Math.max(...all.map(({ advance }) => advance));
  const line = lines.length > 1 ? Math.max(LINE, ...all.map(({ above, below }) => above + below + APART)) : LINE;
  const base = (i: number) => i * line + line / 2 + all[i]!.middle;
  // Lines are centred, so each one's ink begins where its own line does.
  const left = Math.min(...all.map(({ advance, left }) => (broad - advance) / 2 - left));
  const right = Math.max(...all.map(({ advance, right }) => (broad - advance) / 2 + right));
  const top = Math.min(...all.map(({ above }, i) => base(i) - Math.min(MOST.above, above)));
  const bottom = Math.max(...all.map(({ below }, i) => base(i) + Math.min(MOST.below, below)));
  const isCut = all.some(({ above, below }) => above > MOST.above || below > MOST.below);
  return {
    lines,
    line,
    width: right - left,
    height: bottom - top,
    x: (left + right) / 2,
    y: (top + bottom) / 2,
    cut: isCut ? [top, lines.length * line - bottom] : null,
  };
}

function metrics(text: string): Metrics {
  pen ??= globalThis.CanvasRenderingContext2D ? document.createElement("canvas").getContext("2d") : null;
  // Without a canvas every letter is taken for a usual one.
  if (!pen) {
    const advance = [...text].reduce((sum, sign) => sum + (sign > "\u2e80" ? 1 : 0.56), 0);
    return { advance, left: 0, right: advance, above: 0.74, below: 0.21, middle: 0.35 };
  }
  const font = `700 ${SIZE}px ${getComputedStyle(document.body).fontFamily}`;
  if (pen.font !== font) pen.font = font;
  const of = pen.measureText(text);
  return {
    advance: of.width / SIZE,
    left: of.actualBoundingBoxLeft / SIZE,
    right: of.actualBoundingBoxRight / SIZE,
    above: of.actualBoundingBoxAscent / SIZE,
    below: of.actualBoundingBoxDescent / SIZE,
    // How far a line's baseline is below its middle follows the first font, whichever font the letters are from.
    middle: (of.fontBoundingBoxAscent - of.fontBoundingBoxDescent) / 2 / SIZE,
  };
}

/** Parts a text into so many lines, as even as its spaces allow, or as its words do in a script without spaces. */
export function inLines(text: string, count: number, widthOf: (part: string) => number): string[] {
  if (count < 2) return [text];
  const parts = partsOf(text).flatMap((part) => (widthOf(part.trim()) > UNBROKEN ? pieces(part, "grapheme") : [part]));
  if (parts.length < 2) return [text];
  const wanted = widthOf(text) / count;
  const lines: string[] = [];
  let line = "";
  for (const part of parts) {
    const longer = line + part;
    const isNearer = Math.abs(widthOf(longer.trim()) - wanted) <= Math.abs(widthOf(line.trim()) - wanted);
    if (!line || lines.length === count - 1 || isNearer) line = longer;
    else {
      lines.push(line.trim());
      line = part;
    }
  }
  return [...lines, line.trim()];
}

/** Returns the parts of a text between which a line may end, each with the space after it. */
function partsOf(text: string): string[] {
  const parts = text.match(/\S+\s*/gu) ?? [text];
  return parts.length > 1 || !UNPARTED.test(text) ? parts : pieces(text, "word");
}

/** Returns the words or the letters of a text, in order. */
function pieces(text: string, granularity: "word" | "grapheme"): string[] {
  if (!("Segmenter" in Intl)) return [text];
  return [...new Intl.Segmenter(undefined, { granularity }).segment(text)].map(({ segment }) => segment);
}
