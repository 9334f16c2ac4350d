// Fits text into the room on a stage. Sizes are in units of a hundredth of the screen's height; nothing is
// smaller than 2.4 of them.

import type { Attachment } from "svelte/attachments";
import { height as high, type Ink, ink, inked, LINE, USUAL, within } from "./ink";

/** The sizes of a question, the largest first. */
const QUESTION = [6, 5.2, 4.5, 3.9, 3.4, 2.9, 2.4];
/** The sizes of a row's text: in one column, in two. */
const LARGE = [4, 3.4, 2.9, 2.4],
  SMALL = [3, 2.7, 2.4];
/** The least height of a bar with the gaps that part it from its text and from the next row. */
const BAR = { large: 2.9, small: 2.4 };
/** The gaps; the least and the greatest height of a bar alone; the greatest height of a row. */
const GAPS = 1.2,
  THIN = 1.2,
  THICK = 4.2,
  ROW = 15;
const ONE_COLUMN = 8,
  TWO_COLUMNS = 20;
/** The number of rows where not all texts have room: the eleven in front, and "others". */
const CROWDED = 12;
const MOST_LINES = 4;

/** A `Plan` says how rows fit into an area. */
export type Plan = {
  columns: 1 | 2;
  rows: number;
  shown: number;
  /** The size of each row's text, and how many lines it may take. */
  texts: { size: number; lines: number }[];
  /** What a short text gets. */
  usual: { size: number; lines: number };
  /** The height of the bars, the same for all, whatever the texts above them take. */
  bar: number;
};

/** Plans how rows with these texts fit into an area of so many units. */
export function plan(texts: readonly string[], width: number, height: number): Plan {
  const inks = texts.map(ink),
    highest = Math.max(...inks.map((one) => high(one)));
  // Where letters are high, texts become smaller before there are fewer rows.
  const least = (sizes: number[]) => Math.max(sizes[0]! * LINE, sizes.at(-1)! * highest);
  const single = Math.min(ONE_COLUMN, Math.floor(height / (least(LARGE) + BAR.large)));
  const double = 2 * Math.floor(height / (least(SMALL) + BAR.small));
  const count = texts.length;
  const columns = count <= single || double < 2 ? 1 : 2;
  const shown =
    columns === 1
      ? Math.max(2, Math.min(count, single))
      : count <= Math.min(TWO_COLUMNS, double)
        ? count
        : Math.min(CROWDED, double);
  const rows = Math.ceil(shown / columns);
  const [sizes, under, beside] = columns === 1 ? ([LARGE, BAR.large, 42] as const) : ([SMALL, BAR.small, 28] as const);
  const label = Math.max(10, width / columns - beside);
  const linesAt = (size: number, one: Ink) => Math.min(MOST_LINES, within(one, (height / rows - under) / size));
  const roomFor = (one: Ink) => {
    const room = sizes.map((size) => ({ size, lines: linesAt(size, one) })).filter(({ lines }) => lines > 0);
    return room.length ? room : [{ size: sizes.at(-1)!, lines: 1 }];
  };
  const fits = texts.map((text, i) => {
    const room = roomFor(inks[i]!),
      broad = breadth(text);
    // Words do not break exactly where a line ends, so a little of each line stays empty.
    return room.find(({ size, lines }) => broad * size <= label * (0.8 * lines + 0.2)) ?? room.at(-1)!;
  });
  const tallest = Math.max(
    ...fits.map(
      ({ size, lines }, i) =>
        size * high(inks[i]!, Math.min(lines, Math.ceil((breadth(texts[i]!) * size) / (0.85 * label)))),
    ),
  );
  const bar = Math.max(THIN, Math.min(THICK, Math.min(ROW, height / rows) - tallest - GAPS));
  return { columns, rows, shown, usual: roomFor(USUAL)[0]!, texts: fits, bar };
}

/** Plans the same where what does not fit scrolls: on a phone. */
export function scrolling(texts: readonly string[]): Plan {
  const shown = texts.length <= TWO_COLUMNS ? texts.length : CROWDED;
  const usual = { size: SMALL[0]!, lines: 2 * MOST_LINES };
  return { columns: 1, rows: shown, shown, usual, texts: texts.map(() => usual), bar: THIN };
}

/** Returns how many columns stand side by side, each wide enough for a word. */
export const abreast = (width: number): number => Math.max(2, Math.min(CROWDED, Math.floor(width / 9.5)));

/** Estimates how wide a text is, in its own size. */
export function breadth(text: string): number {
  let sum = 0;
  for (const sign of text) sum += sign.codePointAt(0)! > 0x2e80 ? 1.05 : 0.54;
  return sum;
}

/** Gives an element the largest size of a question in which its child fits into its least height. */
export function fitted(...reasons: unknown[]): Attachment<HTMLElement> {
  void reasons;
  return (box) => {
    const text = box.firstElementChild as HTMLElement;
    const measure = () => {
      inked(text.textContent)(box);
      for (const size of QUESTION) {
        box.style.setProperty("--size", `${size}`);
        // The padding is for tails and accents beyond the lines, and not for lines.
        const { minHeight, paddingTop, paddingBottom } = getComputedStyle(box);
        const room = parseFloat(minHeight) - parseFloat(paddingTop) - parseFloat(paddingBottom) + 1;
        if (text.offsetHeight <= room) return;
      }
    };
    measure();
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  };
}
