// Holds what tests of this page share: polls, a server that takes votes, and a browser that lets nobody store
// anything.

import { vi } from "vitest";
import { heard } from "../api/clock";
import { POLL as POLL_OF_FIVE } from "../api/fixture";
import type { ChoicePoll } from "../kinds/kind";
import { Ballot } from "./ballot.svelte";

const TEXTS = ["One", "Two", "Three"];

/** Returns a choice with these votes; null hides them. */
export function makePoll(votes: number[] | null, rest: Partial<ChoicePoll> = {}): ChoicePoll {
  const total = votes && votes.reduce((a, b) => a + b, 0);
  return {
    ...POLL_OF_FIVE,
    revealed: votes !== null,
    options: TEXTS.slice(0, votes?.length ?? 2).map((text, i) => ({
      id: i + 1,
      text,
      votes: votes ? votes[i]! : null,
    })),
    totalVotes: total,
    totalVoters: total,
    ...rest,
  };
}

/** Returns a text without the characters that isolate its parts from one another's direction. */
export const plain = (text: string | null | undefined): string => (text ?? "").replaceAll(/[\u2066-\u2069]/g, "");

/** Takes storage away until `vi.unstubAllGlobals()`. */
export const withoutStorage = () =>
  vi.stubGlobal(
    "localStorage",
    new Proxy(
      {},
      {
        get() {
          throw new DOMException("denied", "SecurityError");
        },
      },
    ),
  );

export type Vote = {
  ballotId: string;
  optionIds: number[];
  answer?: (number | null)[] | string[];
  voterId?: string;
  voter?: string;
};
type Answers = (vote: Vote) => Promise<Response> | Response;

/**
 * A `Booth` is a server that takes votes and tells what became of them, with a clock of its own and without a
 * network.
 */
export class Booth {
  sent: Vote[] = [];
  /** How the next votes are answered, in turn; the last one for all that follow. */
  answers: Answers[] = [receipt("counted")];
  /** What was asked by GET. */
  asked: string[] = [];
  fate: (path: string) => Promise<Response> | Response = () => problem(404)();
  /** The server's clock, less that of this device as it was when the test began. */
  ahead = 0;
  /** What the server's header `Date` says, less its clock. */
  misdated = 0;
  #began = Date.now();
  #ran = performance.now();

  /**
   * Replaces the network, until `vi.unstubAllGlobals()`. The page has heard from this server, as it has when
   * it shows a poll.
   */
  constructor() {
    vi.stubGlobal("fetch", this.#fetch);
    heard(this.#date);
  }

  get now(): number {
    return this.#began + this.ahead + performance.now() - this.#ran;
  }

  get ids(): number {
    return new Set(this.sent.map(({ ballotId }) => ballotId)).size;
  }

  get #date(): string {
    return new Date(this.now + this.misdated).toUTCString();
  }

  #fetch = async (path: string, { method, body }: RequestInit): Promise<Response> => {
    const answer = await (method === "GET" ? this.#tell(path) : this.#take(JSON.parse(body as string)));
    if (!answer.headers.has("Date")) answer.headers.set("Date", this.#date);
    return answer;
  };

  #tell(path: string) {
    this.asked.push(path);
    return this.fate(path);
  }

  #take(vote: Vote) {
    this.sent.push(vote);
    const answer = this.answers.length > 1 ? this.answers.shift()! : this.answers[0]!;
    return answer(vote);
  }
}

export const receipt =
  (status: string, more: object = {}) =>
  ({ ballotId }: Vote) =>
    Response.json(
      { ballotId, pollId: makePoll([]).id, status, position: { partition: 0, offset: 7 }, ...more },
      { status: status === "recorded" ? 202 : 200 },
    );

export const problem =
  (status: number, headers = {}, more: object = {}) =>
  () =>
    Response.json(
      { type: "/docs/errors/some-trouble", title: "Trouble", detail: "what is wrong", status, ...more },
      { status, headers: { "Content-Type": "application/problem+json", ...headers } },
    );

/** A refusal of an id that is ahead of the server's clock, which does not say by how much. */
export const fromTheFuture = problem(422, {}, { errors: [{ pointer: "/ballotId", detail: "its time is ahead" }] });
/** Returns a refusal of an id that is ahead by so many seconds, in the server's own words. */
export const aheadBy = (seconds: number) =>
  problem(
    422,
    {},
    {
      errors: [
        {
          pointer: "/ballotId",
          detail: `its time is ${seconds} s ahead of the server's clock; at most 60 s are allowed`,
        },
      ],
    },
  )();

export const nothing = () => Promise.reject(new TypeError("Failed to fetch"));

/** Lets time go on. */
export const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

/** The poll that `ballot` is for. */
export const POLL = makePoll([0, 0]);

/** Begins a test with a booth, a clock that stands still, and a phone that remembers nothing. */
export function begin(): Booth {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.999999);
  localStorage.clear();
  sessionStorage.clear();
  return new Booth();
}

/** Ends a test. */
export function end() {
  vi.unstubAllGlobals();
  vi.useRealTimers();
}

/** Returns a ballot of the first round. */
export function ballot(): Ballot {
  const one = new Ballot(POLL.id);
  one.round(1);
  return one;
}
