// Computes what the numbers of a poll for points come to, option by option.

import { share } from "../../ui/writing";
import type { PointsPoll } from "../kind";

/** `Standing` says how an option stands: its points, their part of all points, and how many people gave it any. */
export type Standing = { text: string; points: number; share: number; people: number };

const sum = (points: readonly (number | null)[]) => points.reduce<number>((all, some) => all + (some ?? 0), 0);

/** Returns how many points a poll's options have, all together. */
export const whole = ({ options }: PointsPoll): number => sum(options.map(({ points }) => points));

/** Returns the points of each option at these counts, which have two slots for each: its points and its people. */
export const pointsAt = (slots: readonly number[]): number[] => slots.filter((_, slot) => slot % 2 === 0);

/**
 * Returns the number of points against which these counts are measured. For counts of an earlier time it is that of
 * now, so that in a replay bars grow and end where the result stands.
 */
export const measureOf = (poll: PointsPoll, slots: readonly number[]): number =>
  Math.max(sum(pointsAt(slots)), whole(poll));

/** Returns how each option stands at these counts. */
export function standings(poll: PointsPoll, slots: readonly number[]): Standing[] {
  const all = measureOf(poll, slots);
  return poll.options.map(({ text }, i) => {
    const points = slots[2 * i] ?? 0;
    return { text, points, share: share(points, all), people: slots[2 * i + 1] ?? 0 };
  });
}
