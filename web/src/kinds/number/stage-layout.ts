// Decides how a histogram and its figures share an area of the stage. Sizes are in units of the stage.

/**
 * `Layout` says where the figures stand: `beside` the chart, `above` it, or `alone` where a chart has no room. They are
 * so wide, in one column or in two. A `low` chart has columns and labels alone. A `brief` layout has the sentence about
 * the right answer in the place of the figures, others have it below the chart.
 */
export type Layout = {
  place: "beside" | "above" | "alone";
  figures: number;
  columns: 1 | 2;
  low: boolean;
  brief: boolean;
  /** The width that is left for the chart. */
  chart: number;
};

/** The figures beside the chart are as wide as the turnout, which stood there before; in two columns they are wider. */
const BESIDE = 23,
  BESIDE_TWO = 64;
/** The gap between chart and figures, and what a pane over a picture takes at both sides. */
const GAP = 3,
  PANE = 4;

/** Returns the layout of an area. Where the page flows its height follows from the layout, so it decides nothing. */
export function layoutOf(width: number, height: number, flowing: boolean): Layout {
  const upright = flowing ? width < 112 : width < 76 || height > width;
  const low = !flowing && height < 36;
  const brief = !flowing && height < (upright ? 30 : 22);
  const alone = !flowing && height < (upright ? 18 : 12);
  const room = width - PANE;
  const place = alone ? "alone" : upright ? "above" : "beside";
  const columns = upright || brief ? 2 : 1;
  const figures = place !== "beside" ? room : columns === 2 ? Math.min(BESIDE_TWO, (room - GAP) / 2) : BESIDE;
  return { place, figures, columns, low, brief, chart: place === "beside" ? room - GAP - figures : room };
}
