// Lists what an organiser can do with a poll, in the words of its buttons.

import type { Answer } from "../../api/call";
import type { Poll } from "../../api/generated";
import { closePoll, openPoll, reopenPoll, resetPoll, revealPoll } from "../../api/operations";

import type { IconName } from "../Icon.svelte";
import { plural } from "../words";

/** An `Act` is an act that can be done with a poll. */
export type Act = {
  name: "open" | "close" | "reopen" | "reveal" | "reset";
  word: string;
  icon: IconName;
  done: string;
  fits: (poll: Poll) => boolean;
  send: (ask: { path: { id: string }; was: Poll; token: string | null }) => Promise<Answer<Poll>>;
};

/** The acts in the order of their buttons. */
export const ACTS: readonly Act[] = [
  {
    name: "open",
    word: "Open",
    icon: "play",
    done: "Open: votes are taken",
    fits: (poll) => poll.status === "draft",
    send: openPoll,
  },
  {
    name: "close",
    word: "Close",
    icon: "stop",
    done: "Closed: no more votes are taken",
    fits: (poll) => poll.status === "open",
    send: closePoll,
  },
  {
    name: "reveal",
    word: "Reveal results",
    icon: "eye",
    done: "Everybody sees the results now",
    fits: (poll) => poll.status !== "draft" && !poll.revealed,
    send: revealPoll,
  },
  {
    name: "reopen",
    word: "Reopen",
    icon: "again",
    done: "Open again: votes are taken",
    fits: (poll) => poll.status === "closed",
    send: reopenPoll,
  },
];

/** The act that begins a new round. */
export const RESET: Act = {
  name: "reset",
  word: "Reset…",
  icon: "again",
  done: "A new round has begun, from zero",
  fits: (poll) => poll.status !== "draft",
  send: resetPoll,
};

/** Returns what is lost when a poll is reset or deleted. */
export function loss(poll: Poll): string {
  const voters = poll.totalVoters ?? 0;
  if (!voters) return "no votes";
  const people = plural(voters, "person’s vote", "people’s votes");
  return poll.round > 1 ? `${people} of round ${poll.round}` : people;
}
