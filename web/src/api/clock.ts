// Keeps the server's time, as far as its answers tell it: closing times and ballot ids follow the server's
// clock.
//
// Between two answers this device has two clocks of its own. The one on its wall can be set at any moment.
// The one that only runs cannot be set, but it may stand still while the device sleeps. Where they disagree,
// only the server knows the time.

/** The milliseconds by which a clock may be fast, or two may disagree, before anything is done about it. */
const CLOSE = 20_000;

/** The server's time at its last answer, less that of either clock. */
let beyondWall = 0,
  beyondRun = -Infinity;

/** Notes an answer's `Date`. */
export const heard = (date: string | null) => heardTime(Date.parse(date ?? ""));

/** Notes the time that the server has just told; NaN if it told none. */
export function heardTime(at: number) {
  if (!at) return;
  beyondWall = at - Date.now();
  beyondRun = at - performance.now();
}

/**
 * Returns the present time: this device's, or the server's when this device's is wrong, with as much added as
 * the clock that only runs has run since. A `Date` has whole seconds and was under way, so the server is
 * never behind it. A device that is behind it is therefore slow, even by a second, and its ids would look
 * like old ones. A device that is ahead of it may only have waited for the answer.
 */
export const now = () => {
  const correction = beyondWall > 0 || beyondWall < -CLOSE ? beyondWall : 0;
  return Math.floor(Math.max(Date.now() + correction, performance.now() + beyondRun));
};

/**
 * Whether the server should be asked for the time: because it has not told it yet, or because this device was
 * asleep or its clock was set.
 */
export const doubtful = () => Math.abs(Date.now() + beyondWall - performance.now() - beyondRun) > CLOSE;
