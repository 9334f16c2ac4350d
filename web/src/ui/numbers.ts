// Numbers, shares and times as people read them, for the stage and the studio. Figures are written the way
// the browser's language writes them.

const whole = new Intl.NumberFormat();
const parts = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });
const small = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const tenths = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export const number = (n: number): string => whole.format(n);

/** A mean: one decimal, also where it is nought. */
export const decimal = (n: number): string => tenths.format(n);

/** 12,480 as 12.5K, where there is no room. */
export const compact = (n: number): string => short.format(n);

/** "1 vote", "12,480 votes". */
export const counted = (n: number, one: string, many: string): string => `${number(n)} ${n === 1 ? one : many}`;

/** An option's part of the people who voted; 0 while nobody has, or nobody may know. */
export const share = (votes: number | null | undefined, voters: number | null | undefined): number =>
  voters ? Math.min(1, (votes ?? 0) / voters) : 0;

/**
 * A share as per cents. A hundred means everybody and nought means nobody: neither is ever rounded to, so what
 * is less than one has a decimal.
 */
export function percent(ratio: number): string {
  if (ratio > 0 && ratio < 0.01) return small.format(Math.max(0.001, Math.min(0.009, ratio)));
  return parts.format(ratio < 1 ? Math.min(0.99, ratio) : 1);
}

/** A code as people read it aloud: 482 913. */
export const spoken = (code: string): string =>
  code.length % 3 === 0 ? code.replace(/(...)(?=.)/g, "$1\u2009") : code.replace(/(....)(?=.)/g, "$1\u2009");

/** A span as a clock shows it: 0:07, 12:30, 1:05:00; begun seconds count. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** A span in words: 8 s, 14 min, 2 h 5 min. */
export function span(ms: number): string {
  const seconds = Math.round(ms / 1000), minutes = Math.round(seconds / 60);
  if (seconds < 90) return `${seconds}\u00a0s`;
  if (minutes < 90) return `${minutes}\u00a0min`;
  return `${Math.floor(minutes / 60)}\u00a0h ${minutes % 60}\u00a0min`;
}

/** The time of day. */
export const timeOfDay = (at: Date | string | number): string => clock.format(new Date(at));
