// Holds what tests of a ranking share: a poll with given numbers.

import { POLL } from "../../api/fixture";
import type { RankingPoll } from "../kind";
import { standings } from "./ranking";

const TEXTS = ["Tea", "Coffee", "Juice", "Water"];

/**
 * Returns a ranking of some options. `spreads` is how many gave each place, by option; null hides the results.
 * Everybody has given a first place.
 */
export function makeRanking(spreads: number[][] | null, rest: Partial<RankingPoll> = {}): RankingPoll {
  const { kind, options, maxChoices, ...common } = POLL;
  const texts = TEXTS.slice(0, spreads?.length ?? 3);
  const places = spreads?.[0]!.length ?? texts.length;
  const bare = texts.map((text, i) => ({
    id: i + 1,
    text,
    votes: null,
    points: null,
    first: null,
    mean: null,
    spread: null,
  }));
  const poll: RankingPoll = {
    ...common,
    kind: "ranking",
    places,
    options: bare,
    results: spreads ? "live" : "hidden",
    revealed: spreads !== null,
    totalVoters: null,
    totalVotes: null,
  };
  if (!spreads) return { ...poll, ...rest };
  const voters = spreads.reduce((sum, [first]) => sum + first!, 0);
  return {
    ...poll,
    options: standings(poll, spreads.flat()).map(({ text, votes, points, first, mean, spread }, i) => ({
      id: i + 1,
      text,
      votes,
      points,
      first,
      mean,
      spread: [...spread],
    })),
    totalVoters: voters,
    totalVotes: voters,
    ...rest,
  };
}
