// The server's clock, as far as its answers tell: closing times and ballot ids are the server's.
//
// Between two answers this device has two clocks of its own. The one on its wall can be set at any moment; the one that
// only runs cannot, but it may stand still while the device sleeps. Where they disagree, only the server knows the time.

/** Milliseconds by which a clock may be fast, or two disagree, before anything is done about it. */
const CLOSE = 20_000;

/** The server's time at its last answer, less that of either clock. */
let beyondWall = 0,
  beyondRun = -Infinity;

/** An answer has come with this `Date`. */
export const heard = (date: string | null) => heardTime(Date.parse(date ?? ""));

/** The server has just said that this is its time; NaN if it has not. */
export function heardTime(at: number) {
  if (!at) return;
  beyondWall = at - Date.now();
  beyondRun = at - performance.now();
}

/**
 * Now, by the server's clock when this device's is wrong; at least as much later as has been run. A date has whole
 * seconds and was under way, so the server is never behind it: a device that is behind it is slow, be it by a second, and
 * its ids would look like old ones. One that is ahead of it may only have waited for the answer.
 */
export const now = () => {
  const correction = beyondWall > 0 || beyondWall < -CLOSE ? beyondWall : 0;
  return Math.floor(Math.max(Date.now() + correction, performance.now() + beyondRun));
};

/** Whether the server should be asked for the time: it has not told it yet, or this device was asleep or its clock was set. */
export const doubtful = () => Math.abs(Date.now() + beyondWall - performance.now() - beyondRun) > CLOSE;
