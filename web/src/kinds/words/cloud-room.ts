// Finds room for a box among boxes, as near as possible to where it wants to be. Because boxes are axis-aligned, the
// nearest free place touches the box that is in the way, or is the wanted one; so only rows are tried in which the box
// would touch another one, the nearest row first, and in each row the gaps between the boxes in it are exact.

/** A `Box` is around (x, y), and reaches `w` to either side and `h` up and down; `size` is that of its text. */
export type Box = { x: number; y: number; size: number; w: number; h: number };
/** A `Work` counts comparisons of two boxes. */
export type Work = { done: number };
type Bounds = { readonly width: number; readonly height: number };

/** Boxes that overlap by less than this only touch. */
const TOUCH = 1e-6;

/** Whether a box lies in the area and overlaps none of these. */
export function isFree(box: Box, taken: readonly Box[], { width, height }: Bounds, work: Work): boolean {
  const { x, y, w, h } = box;
  if (x - w < -TOUCH || x + w > width + TOUCH || y - h < -TOUCH || y + h > height + TOUCH) return false;
  work.done += taken.length;
  return !taken.some(
    (other) => Math.abs(other.x - x) < other.w + w - TOUCH && Math.abs(other.y - y) < other.h + h - TOUCH,
  );
}

/**
 * Returns the free place in the area that is nearest to where the box is; null if there is none. A distance to the side
 * counts `stretch` times less than one up or down. No place further than `most` is looked for.
 */
export function freePlace(
  box: Box,
  taken: readonly Box[],
  { width, height }: Bounds,
  stretch: number,
  work: Work,
  most = Infinity,
): { x: number; y: number } | null {
  const { w, h } = box;
  if (2 * w > width + TOUCH || 2 * h > height + TOUCH) return null;
  const x = within(box.x, w, width - w),
    y = within(box.y, h, height - h);
  // In the order of their middles only those around a row have to be compared with it.
  const sorted = [...taken].sort((a, b) => a.y - b.y),
    reach = h + Math.max(0, ...taken.map((other) => other.h));
  let found: { x: number; y: number } | null = null,
    least = most ** 2;
  for (const row of rowsOf(y, h, height, taken)) {
    const up = (row - box.y) ** 2;
    if (up >= least) break;
    const inRow: Box[] = [];
    for (let i = firstFrom(sorted, row - reach); i < sorted.length; i++) {
      const other = sorted[i]!;
      if (other.y >= row + reach) break;
      work.done++;
      if (Math.abs(other.y - row) < other.h + h - TOUCH) inRow.push(other);
    }
    for (const by of [1, -1] as const) {
      const place = gap(x, by, w, inRow, by > 0 ? width - w - x : x - w, work);
      if (place === null) continue;
      const far = up + ((place - box.x) / stretch) ** 2;
      if (far < least) [least, found] = [far, { x: place, y: row }];
    }
  }
  return found;
}

/** Returns the place of the first box whose middle is not above `y`. */
function firstFrom(sorted: readonly Box[], y: number): number {
  let low = 0,
    high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]!.y < y) low = middle + 1;
    else high = middle;
  }
  return low;
}

const within = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

/** Returns the rows in which a box may touch another one, the nearest first. */
function rowsOf(y: number, h: number, height: number, taken: readonly Box[]): number[] {
  const rows = [y];
  for (const other of taken) {
    const [above, below] = [other.y - other.h - h, other.y + other.h + h];
    // Boxes from before the area became smaller may stick out, and so would a box beside them.
    for (const row of [above, below]) if (row >= h && row <= height - h) rows.push(row);
  }
  return [...new Set(rows)].sort((a, b) => Math.abs(a - y) - Math.abs(b - y) || a - b);
}

/**
 * Returns the free place of a row that is nearest to `x`, above or below it by the sign of `by`. From box to box the
 * place moves on while it lies in one. No place lies beyond `far`.
 */
function gap(x: number, by: 1 | -1, w: number, inRow: readonly Box[], far: number, work: Work): number | null {
  let place = x;
  for (let goesOn = true; goesOn;) {
    goesOn = false;
    for (const other of inRow) {
      work.done++;
      const reach = other.w + w;
      if (Math.abs(other.x - place) >= reach - TOUCH) continue;
      place = other.x + by * reach;
      goesOn = true;
    }
    if (by * (place - x) > far) return null;
  }
  return place;
}
