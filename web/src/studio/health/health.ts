// Describes the state of the server's parts in an organiser's words.

import type { Status } from "../../api/generated";
import { lasting, number, plural } from "../words";

/** A tone says how bad something is. */
export type Tone = "ok" | "warn" | "bad";
/** `Line` is the state of one part of the server. */
export type Line = { name: string; tone: Tone; words: string; detail: string };

/** A vote that waits for longer than this is noticed. */
const SLOW_SECONDS = 5;

/** Returns the state of each part of the server that it has told of. */
export function lines(status: Status, now = Date.now()): Line[] {
  const { log, store, processors } = status;
  const found: Line[] = [];
  found.push(
    status.ready
      ? {
          name: "Taking votes",
          tone: "ok",
          words: "Yes",
          detail: "Every vote that is answered is safe on disk before the answer.",
        }
      : {
          name: "Taking votes",
          tone: "bad",
          words: "Not now",
          detail: "Phones keep their votes and send them as soon as it works again.",
        },
  );
  if (log)
    found.push({
      name: "The log",
      tone: log.ok ? "ok" : "bad",
      words: log.ok ? `${number(log.end ?? 0)} records kept` : "In trouble",
      detail: log.detail ?? `In ${plural(log.partitions, "part")}; nothing that was recorded is ever changed.`,
    });
  if (log) found.push(waiting(log));
  if (processors) found.push(counting(processors));
  if (store)
    found.push({
      name: "The store",
      tone: store.ok ? "ok" : "bad",
      words: store.ok ? "Answers" : "Does not answer",
      detail:
        store.detail ??
        (store.ok ? "Polls can be made and changed." : "Votes are still taken; making and changing polls waits."),
    });
  // The store is told only together with the log: without the log, null says nothing.
  if (log)
    found.push({
      name: "Last votes counted",
      tone: "ok",
      words: status.lastCommitAt ? `${lasting((now - Date.parse(status.lastCommitAt)) / 1000)} ago` : "None here yet",
      detail: status.lastCommitAt
        ? "Results, ballots and the place in the log were saved together."
        : "This server has heard of no count since it started.",
    });
  return found;
}

function waiting(log: NonNullable<Status["log"]>): Line {
  const { lag, lagSeconds } = log;
  const name = "Waiting to be counted";
  if (lag === null) return { name, tone: "warn", words: "Unknown", detail: "The log does not say how far it is." };
  if (!lag) return { name, tone: "ok", words: "Nothing", detail: `All ${number(log.counted)} records are decided.` };
  const seconds = lagSeconds ?? 0;
  return {
    name,
    tone: seconds > SLOW_SECONDS ? "bad" : seconds > 1 ? "warn" : "ok",
    words: plural(lag, "record"),
    detail:
      seconds > 1
        ? `For ${lasting(seconds)}. They are safe; the numbers on the screens are that much behind.`
        : "A moment ago they came in.",
  };
}

function counting({ here, partitions, troubles }: NonNullable<Status["processors"]>): Line {
  const name = "Counting";
  if (troubles.length) return { name, tone: "bad", words: "Stopped in part", detail: troubles.join("; ") };
  return here === partitions
    ? {
        name,
        tone: "ok",
        words: "All of it, here",
        detail: `This server counts ${partitions === 1 ? "the whole log" : `all ${partitions} parts of the log`}.`,
      }
    : {
        name,
        tone: "ok",
        words: `${here} of ${partitions} parts here`,
        detail: "Other servers of the cluster count the others.",
      };
}

/** Returns the whole state in one sentence. */
export function verdict(found: readonly Line[]): { tone: Tone; words: string } {
  const bad = found.filter((line) => line.tone === "bad"),
    warn = found.filter((line) => line.tone === "warn");
  if (bad.length)
    return { tone: "bad", words: `Something is wrong: ${bad.map((line) => line.name.toLowerCase()).join(", ")}` };
  if (warn.length)
    return { tone: "warn", words: `Working, but look at: ${warn.map((line) => line.name.toLowerCase()).join(", ")}` };
  return { tone: "ok", words: "All is well" };
}
