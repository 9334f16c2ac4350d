// Says in words what became of the vote: sending, counted, waiting to be sent, trying again, refused. Nobody
// may confuse them.

import type { Poll } from "../api/generated";
import { CLOCKS, NOT_TAKEN, type Ballot } from "./ballot.svelte";
import { oneTap, type BallotKind } from "./kind";
import { say, span } from "./words.svelte";

/** `Mood` is what the words look like. */
export type Mood = "none" | "sending" | "counted" | "failed" | "queued" | "refused";
export type Told = { mood: Mood; title: string; text: string; ticks?: boolean };

/** `Situation` is what the words depend on. */
export type Situation = {
  poll: Poll;
  kind: Pick<BallotKind, "choosing">;
  /** What the kind says of an answer that was refused. */
  refusal?: string;
  ballot: Pick<Ballot, "now" | "retryAt">;
  /** Whether a vote would be taken now. */
  open: boolean;
  /** Whether something is marked that is not sent. */
  changing: boolean;
  /** The number of marks. */
  marked: number;
  online: boolean;
  /** The present time, by `performance.now()`. */
  at: number;
};

/** Returns the words for a ballot's state. */
export function tell(situation: Situation): Told {
  const {
    poll,
    ballot: { now },
    open,
  } = situation;
  if (now.state === "sending") return { mood: "sending", title: say("sending"), text: say("sendingText") };
  if (now.state === "failed") return failed(situation);
  // Somebody who marks something else is done with what became of the last ballot.
  if (situation.changing) return choosing(situation);
  const ended = poll.status === "closed" ? say(poll.final ? "finalText" : "closingText") : null;
  switch (now.state) {
    case "refused":
      return { mood: "refused", title: say("refused"), text: say("refusedText") };
    case "wrong":
      return { mood: "refused", title: say("wrong"), text: situation.refusal || (now.note ?? "") };
    case "late":
      return now.stands
        ? { mood: "refused", title: say("lateStands"), text: say("lateStandsText") }
        : { mood: "refused", title: say("late"), text: say("lateText") };
    case "superseded":
      return {
        mood: "refused",
        title: say("elsewhere"),
        text: say("elsewhereText") + (open ? ` ${say("tapAgain")}` : ""),
      };
    case "none":
    case "again":
      if (ended) return { mood: "none", title: say("over"), text: poll.final ? say("overText") : ended };
      return now.state === "none" ? choosing(situation) : { mood: "none", title: say("again"), text: say("againText") };
    case "recorded":
      return { mood: "counted", title: say("recorded"), text: say("recordedText") };
  }
  if (ended) return { mood: "counted", title: say("overVoted"), text: ended };
  return {
    mood: "counted",
    title: say(now.state === "counted" ? "counted" : "newer"),
    text: say(open ? (oneTap(poll) ? "countedText" : "tapText") : "standsText"),
  };
}

function choosing({ poll, kind, marked, changing }: Situation): Told {
  return {
    mood: "none",
    title: kind.choosing(poll, marked, changing),
    text: say(poll.revote === "refuse" ? "onceText" : "tapText"),
  };
}

function failed({ ballot: { now, retryAt }, online, at }: Situation): Told {
  if (!online) return { mood: "queued", title: say("queued"), text: say("queuedText") };
  const seconds = Math.ceil((retryAt - at) / 1000);
  const status = now.failed?.status ?? 0;
  const why = say(NOT_TAKEN.includes(status) ? "busy" : status === CLOCKS ? "clocks" : "noReply");
  const next = seconds > 0 ? say("nextTry", { time: span(seconds) }) : say("tryingNow");
  return { mood: "failed", title: say("failed"), text: `${why} ${next}`, ticks: true };
}
