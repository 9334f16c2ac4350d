// The server's clock, as far as its answers tell: closing times and ballot ids are the server's.

/** Milliseconds within which the two clocks count as the same: an answer's date has whole seconds. */
const CLOSE = 20_000;

let ahead = 0;

/** An answer has come with this `Date`. */
export function heard(date: string | null) {
  const at = Date.parse(date ?? "");
  if (at) ahead = at - Date.now();
}

/** Now, by the server's clock when this device's is clearly wrong. */
export const now = () => Date.now() + (Math.abs(ahead) > CLOSE ? ahead : 0);
