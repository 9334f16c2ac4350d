// Computes the order of the ballot paper of a ranking, and what a tap or a move makes of it.

import type { Answer } from "../../vote/kind";
import type { RankingPoll } from "../kind";

/** Returns the ids of the options that have a place in an answer, best first. */
export const givenIn = ({ options }: RankingPoll, answer: Answer): number[] =>
  answer.filter((id) => options.some((option) => option.id === id)) as number[];

/** Returns the option with this id. */
export const optionOf = ({ options }: RankingPoll, id: number) => options.find((option) => option.id === id)!;

/** Returns all options by id: those with a place, and then the others in the organiser's order. */
export const ordered = ({ options }: RankingPoll, given: readonly number[]): number[] => [
  ...given,
  ...options.map(({ id }) => id).filter((id) => !given.includes(id)),
];

/** Returns the places once an option is tapped: it takes the next one if there is one, or gives its own back. */
export function tapped(given: readonly number[], id: number, places: number): number[] {
  return given.includes(id) ? given.filter((other) => other !== id) : [...given, id].slice(0, places);
}

/**
 * Returns the places once an option is put from one row into another, counted from 0. What is put down below those
 * that have a place has none, and what is put up takes the next one at least. Whatever had the last place there is
 * has none when it is pushed out.
 */
export function put(given: readonly number[], id: number, from: number, row: number, places: number): number[] {
  const others = given.filter((other) => other !== id);
  if (row > from && row > others.length) return others;
  return [...others.slice(0, row), id, ...others.slice(row)].slice(0, places);
}
