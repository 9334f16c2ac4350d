// Writes the numbers of a poll for a number as the page's language has them.

import { number } from "../../vote/words.svelte";
import type { NumberPoll } from "../kind";
import { joined, rounded, solutionOf } from "./number";
import { say } from "./words";

/** Returns a value with the poll's unit. */
export const quantity = ({ unit }: NumberPoll, value: number): string => joined(number(value), unit);

/** Returns a mean or a median with the poll's unit; a dash while there is none. */
export const middle = (poll: NumberPoll, value: number | null): string =>
  value === null ? "–" : quantity(poll, rounded(poll, value));

/** Returns the values that a sentence about the poll's bounds needs. */
export const bounds = (poll: NumberPoll) => ({
  min: number(poll.min),
  max: quantity(poll, poll.max),
  step: quantity(poll, poll.step),
});

/** Returns the sign with which decimals begin in the page's language. */
export const point = (): string => number(0.5)[1]!;

/** Returns a value as it stands in the field: the language's sign before decimals, nothing between thousands. */
export const inField = (value: number): string => `${value}`.replace(".", point());

/** Returns which answers were the nearest to the right one, and how many people gave them; "" while that is hidden. */
export const nearest = (poll: NumberPoll): string =>
  poll.nearest && solutionOf(poll) !== null
    ? say("nearest", {
        values: poll.nearest.values.map((value) => quantity(poll, value)).join(" / "),
        n: poll.nearest.people,
      })
    : "";
