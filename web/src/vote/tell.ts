// What became of the vote, in words: sending, counted, waiting to be sent, trying again, refused. Nobody may
// confuse them.

import type { Poll } from "../api/generated";
import type { Ballot } from "./ballot.svelte";
import { say, span } from "./words.svelte";

export type Mood = "none" | "sending" | "counted" | "failed" | "queued" | "refused";
export type Told = { mood: Mood; title: string; text: string; ticks?: boolean };

export type Situation = {
  poll: Poll;
  ballot: Pick<Ballot, "now">;
  /** Whether a vote would be taken now. */
  open: boolean;
  /** Whether something is marked that is not sent. */
  changing: boolean;
  /** How many are marked. */
  marked: number;
  online: boolean;
  /** Now, by this device. */
  at: number;
};

export function tell(situation: Situation): Told {
  const { poll, ballot: { now }, open, changing } = situation;
  const left = poll.maxChoices - situation.marked;
  const ended = poll.status === "closed" ? say(poll.final ? "finalText" : "closingText") : null;
  switch (now.state) {
    case "sending": return { mood: "sending", title: say("sending"), text: say("sendingText") };
    case "failed": return failed(situation);
    case "refused": return { mood: "refused", title: say("refused"), text: say("refusedText") };
    case "wrong": return { mood: "refused", title: say("wrong"), text: now.note ?? "" };
    case "late":
      return now.stands ? { mood: "refused", title: say("lateStands"), text: say("lateStandsText") }
        : { mood: "refused", title: say("late"), text: say("lateText") };
    case "none": case "again":
      if (ended) return { mood: "none", title: say("over"), text: poll.final ? say("overText") : ended };
      if (now.state === "again" && !changing) return { mood: "none", title: say("again"), text: say("againText") };
      break;
    case "recorded":
      if (!changing) return { mood: "counted", title: say("recorded"), text: say("recordedText") };
      break;
    default:
      if (ended) return { mood: "counted", title: say("overVoted"), text: ended };
      if (!changing) {
        return {
          mood: "counted", title: say(now.state === "counted" ? "counted" : "newer"),
          text: say(open ? (poll.kind === "single" ? "countedText" : "tapText") : "standsText"),
        };
      }
  }
  const rule = say(poll.revote === "refuse" ? "onceText" : "tapText");
  if (poll.kind === "single") return { mood: "none", title: say("tap"), text: rule };
  const title = situation.marked === 0 ? say("choose", { n: poll.maxChoices })
    : left ? say("left", { n: left }) : say("noneLeft");
  return { mood: "none", title, text: rule };
}

function failed({ ballot: { now }, online, at }: Situation): Told {
  if (!online) return { mood: "queued", title: say("queued"), text: say("queuedText") };
  const { status, retryAt } = now.failed ?? { status: 0, retryAt: 0 };
  const seconds = Math.ceil((retryAt - at) / 1000);
  const why = say(status === 429 || status === 503 ? "busy" : "noReply");
  const next = seconds > 0 ? say("nextTry", { time: span(seconds) }) : say("tryingNow");
  return { mood: "failed", title: say("failed"), text: `${why} ${next}`, ticks: true };
}
