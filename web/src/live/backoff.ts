// Returns how long to wait before trying again: exponential back-off with full jitter, so that a room full of
// phones does not come back at the same moment (AWS Architecture Blog, "Exponential Backoff And Jitter").

const FIRST = 500;
const MOST = 20_000;

/** Returns a random pause from nothing up to 500 ms, 1 s, 2 s, … 20 s, in milliseconds. */
export const backOff = (failures: number, dice = Math.random): number =>
  dice() * Math.min(MOST, FIRST * 2 ** Math.min(failures, 10));
