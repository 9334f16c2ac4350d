// Writes numbers, shares and times for the stage and the studio: figures as the browser's language has them,
// among English words.

import { shortening, writing } from "./writing";

export { countdown, share, spoken } from "./writing";
export const { number, decimal, percent, lasting, span } = writing(undefined, "en");

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

/** Writes 12,480 as 12.5K, where there is no room. */
export const compact = shortening();

/** Writes 12,480 as 12.48K, and every number with all its digits: values that differ are never written the same. */
export const compactExact = shortening(undefined, 15);

/** Writes "1 vote", "12,480 votes". */
export const counted = (n: number, one: string, many: string): string => `${number(n)} ${n === 1 ? one : many}`;

/** Writes a rate per second, with a decimal where it is low. */
export const rate = (perSecond: number): string =>
  perSecond && perSecond < 10 ? decimal(perSecond) : number(Math.round(perSecond));

/** Writes the time of day. */
export const timeOfDay = (at: Date | string | number): string => clock.format(new Date(at));
