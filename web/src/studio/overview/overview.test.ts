// Tests what the overview finds, and what leads.

import { expect, test } from "vitest";
import type { Event, Poll } from "../../api/generated";

import { find } from "./finding";
import { topPolls, topVoted } from "./ranking";

const poll = (id: string, question: string, votes: number[], rest: Partial<Poll> = {}) =>
  ({
    id,
    question,
    kind: "single",
    code: "482913",
    status: "open",
    totalVotes: votes.reduce((a, b) => a + b, 0),
    totalVoters: Math.max(...votes),
    options: votes.map((count, i) => ({ id: i + 1, text: `${question}${i}`, votes: count })),
    ...rest,
  }) as Poll;

test("equal votes share a rank, the next one skips; nobody's option leads nothing", () => {
  const polls = [poll("2", "b", [7, 0]), poll("1", "a", [7, 9, 3])];
  expect(topVoted(polls, 9).map((one) => [one.rank, one.name])).toEqual([
    [1, "a1"],
    [2, "a0"],
    [2, "b0"],
    [4, "a2"],
  ]);
  expect(topPolls(polls, 1).map((one) => [one.rank, one.name, one.votes])).toEqual([[1, "a", 9]]);
});

const event = { id: "5", title: "Café Réunion", code: "111222", polls: [{ id: "1" }, { id: "3" }] } as unknown as Event;
const polls = [
  poll("4", "Lone one", [1], { code: "999000" }),
  poll("3", "Second", [1], { status: "draft" }),
  poll("1", "First", [1]),
];
const ids = (search: string, filter: Parameters<typeof find>[3] = "all") =>
  find(polls, [event], search, filter).map((entry) => [entry.id, ...entry.polls.map((one) => one.id)].join(" "));

test("events hold their polls, in their order; lone polls stand beside them", () => {
  expect(ids("")).toEqual(["5 1 3", "4 4"]);
});

test("found by title without its accents, by code as it is read, by option, by state", () => {
  expect(ids("cafe reunion")).toEqual(["5 1 3"]);
  expect(ids("999 000")).toEqual(["4 4"]);
  expect(ids("second0")).toEqual(["5 3"]);
  expect(ids("", "draft")).toEqual(["5 3"]);
  expect(ids("lone draft")).toEqual([]);
});
