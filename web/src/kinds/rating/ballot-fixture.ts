// Holds what tests of a rating share: a poll, and its statements with given numbers.

import { makePoll } from "../../vote/fixture";
import type { RatingPoll } from "../kind";

const TEXTS = ["The talks", "The room", "The food"];

/** Returns a rating. `spreads` is how many gave each step, by statement; null hides the results. */
export function makeRating(spreads: number[][] | null, rest: Partial<RatingPoll> = {}): RatingPoll {
  const { kind, options, maxChoices, ...common } = makePoll(null, { results: spreads ? "live" : "hidden" });
  const lowest = rest.lowest ?? 1;
  const statements = TEXTS.slice(0, spreads?.length ?? 2).map((text, i) => {
    const spread = spreads ? spreads[i]! : null;
    const votes = spread && spread.reduce((a, b) => a + b, 0);
    const sum = spread && spread.reduce((a, count, step) => a + count * (step + lowest), 0);
    return { id: i + 1, text, votes, spread, mean: votes ? sum! / votes : null };
  });
  const most = statements
    .map(({ votes }) => votes)
    .reduce<number | null>((a, b) => (b === null ? a : Math.max(a ?? 0, b)), null);
  return {
    ...common,
    kind: "rating",
    steps: 5,
    lowest,
    lowLabel: "Poor",
    highLabel: "Excellent",
    symbol: "stars",
    statements,
    totalVoters: most,
    totalVotes: most,
    ...rest,
  };
}
