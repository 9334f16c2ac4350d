// Computes a poll's course as numbers: cumulative points, the rates between them, and round marks for axes.

import type { TrendPoint } from "../../api/generated";

/** `Point` holds the voters and the votes slot by slot at a moment, in milliseconds. */
export type Point = { at: number; voters: number; votes: readonly number[] };
/** `Rate` holds the voters per second between two moments, in milliseconds. */
export type Rate = { from: number; to: number; perSecond: number };

/** The most points of a chart; when there are more, every other one is dropped. */
export const MOST = 480;
/** The narrowest column, in milliseconds. */
const NARROWEST = 2_000;

/** Returns a point of the server's trend; hidden numbers are 0. */
export const pointOf = ({ at, voters, votes }: TrendPoint): Point => ({
  at: Date.parse(at),
  voters: voters ?? 0,
  votes: votes.map((one) => one ?? 0),
});

/**
 * Fills in the points that the server leaves out while nothing changes: what changed did so in the step that
 * ends with the next point.
 */
export function filled(points: readonly Point[], step: number): Point[] {
  return points.flatMap((point, i) => {
    const before = points[i - 1];
    return before && point.at - before.at > 2 * step ? [{ ...before, at: point.at - step }, point] : [point];
  });
}

/** Returns the points with one more at their end; two within `step` milliseconds become one. */
export function append(points: readonly Point[], point: Point, step: number): Point[] {
  const last = points.at(-1),
    before = points.at(-2);
  if (last && point.at <= last.at) return [...points];
  const kept = last && before && point.at - before.at < step ? points.slice(0, -1) : points;
  const all = [...kept, point];
  return all.length > MOST ? all.filter((_, i) => i % 2 === 0 || i === all.length - 1) : all;
}

/**
 * Returns the rate between each two points; a fall (somebody's vote moved to another round) counts as none.
 */
export function rates(points: readonly Point[]): Rate[] {
  return points.slice(1).map((point, i) => {
    const before = points[i]!;
    const seconds = Math.max(0.001, (point.at - before.at) / 1000);
    return { from: before.at, to: point.at, perSecond: Math.max(0, point.voters - before.voters) / seconds };
  });
}

/** Returns the voters at a moment, on the line between the points around it. */
function between(points: readonly Point[], at: number, from: number): [voters: number, from: number] {
  let i = from;
  while (points[i + 1] && points[i + 1]!.at <= at) i++;
  const here = points[i]!,
    next = points[i + 1];
  if (!next) return [here.voters, i];
  return [here.voters + ((next.voters - here.voters) * (at - here.at)) / (next.at - here.at), i];
}

/** Returns the rates as at most `most` columns of one width, none narrower than `NARROWEST`. */
export function binned(points: readonly Point[], most: number): Rate[] {
  const first = points[0],
    last = points.at(-1);
  if (!first || !last || last.at === first.at) return [];
  const width = Math.max(NARROWEST, (last.at - first.at) / most);
  const edges: Point[] = [];
  let i = 0;
  let voters: number;
  for (let at = first.at; at < last.at; at += width) {
    [voters, i] = between(points, at, i);
    edges.push({ at, voters, votes: [] });
  }
  return rates([...edges, last]);
}

/** Returns round marks from 0 to at least `top`, about `count` of them. */
export function marks(top: number, count: number, whole = true): number[] {
  const rough = Math.max(top, 1e-9) / count;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const fit = [1, 2, 5, 10].map((one) => one * magnitude).find((one) => one >= rough)!;
  const step = whole ? Math.max(1, Math.ceil(fit)) : fit;
  return Array.from({ length: Math.ceil(top / step - 1e-9) + 1 }, (_, i) => i * step);
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 604_800].map(
  (s) => s * 1000,
);

/** Returns at most `count` moments for the axis of time, at round times of day. */
export function moments(from: number, to: number, count: number): number[] {
  const step = STEPS.find((one) => (to - from) / one <= count) ?? STEPS.at(-1)!;
  const zone = new Date(from).getTimezoneOffset() * 60_000;
  const first = Math.ceil((from - zone) / step) * step + zone;
  const found: number[] = [];
  for (let at = first; at <= to; at += step) found.push(at);
  return found;
}
