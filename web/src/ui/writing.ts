// Writes numbers, shares and spans of time in a language. It is the only place that does, so that no two
// screens say the same thing differently.

/** Returns the share of the people who voted; 0 while nobody has, or while it is hidden. */
export const share = (votes: number | null | undefined, voters: number | null | undefined): number =>
  voters ? Math.min(1, (votes ?? 0) / voters) : 0;

/** Writes a code as people read it aloud: 482 913. Anything with letters is an id, and stays as it is. */
export function spoken(code: string): string {
  if (!/^\d{6,}$/.test(code)) return code;
  return code.replace(code.length % 3 === 0 ? /(...)(?=.)/g : /(....)(?=.)/g, "$1\u2009");
}

/** Writes a span as a clock shows it: 0:07, 12:30, 1:05:00. A second that has begun counts. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600),
    minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Returns what writes 12,480 as 12.5K, with at most so many decimals, where there is no room; the phone has room. */
export function shortening(figures?: string, decimals = 1): (n: number) => string {
  const short = new Intl.NumberFormat(figures, { notation: "compact", maximumFractionDigits: decimals });
  return (n) => short.format(n);
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/**
 * Returns what writes numbers. `figures` is the language of numbers, the browser's if none is named; `words`
 * is that of the text around them.
 */
export function writing(figures?: string, words = figures) {
  // Making a formatter costs a hundred times what using it does.
  const plain = new Intl.NumberFormat(figures, { maximumFractionDigits: 6 });
  const tenths = new Intl.NumberFormat(figures, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const parts = new Intl.NumberFormat(figures, { style: "percent", maximumFractionDigits: 0 });
  const small = new Intl.NumberFormat(figures, { style: "percent", maximumFractionDigits: 1 });

  /** Writes a number with the decimals that it has, at most six. */
  const number = (n: number): string => plain.format(n);

  /** Writes a mean with one decimal, even where it is nought. */
  const decimal = (n: number): string => tenths.format(n);

  /**
   * Writes a share in per cent. A hundred means everybody and nought means nobody, and neither is ever
   * rounded to: a share below one per cent has a decimal.
   */
  function percent(ratio: number): string {
    if (ratio > 0 && ratio < 0.01) return small.format(Math.max(0.001, Math.min(0.009, ratio)));
    return parts.format(ratio < 1 ? Math.min(0.99, ratio) : 1);
  }

  /** Writes one unit of time, inside which no line breaks. */
  const timed = (n: number, unit: string): string =>
    n.toLocaleString(words, { style: "unit", unit, unitDisplay: "short" }).replaceAll(" ", "\u00a0");

  /** Writes a length of time in its two greatest units: 1 min 30 sec, 2 hr 5 min. */
  function lasting(seconds: number): string {
    const all = Math.max(0, Math.round(seconds));
    const from = UNITS.findIndex(([, size]) => all >= size);
    if (from < 0) return timed(0, "second");
    const counts = UNITS.map(([unit, size], i) => ({ unit, n: Math.floor((i ? all % UNITS[i - 1]![1] : all) / size) }));
    return counts
      .slice(from, from + 2)
      .filter(({ n }) => n)
      .map(({ unit, n }) => timed(n, unit))
      .join(" ");
  }

  /** Writes about how long: in seconds up to a minute and a half, then in minutes. */
  const span = (seconds: number): string => (seconds < 90 ? lasting(seconds) : lasting(60 * Math.round(seconds / 60)));

  return { number, decimal, percent, lasting, span };
}
