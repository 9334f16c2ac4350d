// Says in words how a poll of words stands, for the stage and the studio.

import { counted, number } from "../../ui/numbers";
import type { WordsPoll } from "../kind";
import type { Word } from "./cloud-sizes";

/** Returns the words that are said most; none while nobody has said one, or while that is hidden. */
export const ahead = ({ words }: WordsPoll): readonly Word[] =>
  (words ?? []).filter(({ votes }) => votes === words![0]!.votes);

/** Names words, at most three of them. Each is isolated, so that its direction turns around nothing beside it. */
export function named(words: readonly Word[]): string {
  const [first, second, third] = words.map(({ text }) => `“\u2068${text}\u2069”`);
  if (words.length > 3) return `${first}, ${second} and ${number(words.length - 2)} more`;
  if (third) return `${first}, ${second} and ${third}`;
  return second ? `${first} and ${second}` : (first ?? "");
}

/** Returns which word is said most, in a sentence; "" while there is none. */
export function leading(poll: WordsPoll): string {
  const words = ahead(poll);
  if (!words.length) return "";
  const votes = counted(words[0]!.votes, "vote", "votes");
  return `Most said: ${named(words)}, ${votes}${words.length > 1 ? " each" : ""}.`;
}

/** Returns what is counted and is not among the words, in a line; "" where nothing is. */
export function unseen({ approve, otherVotes, unshownVotes }: WordsPoll): string {
  const votes = (count: number) => counted(count, "vote", "votes");
  const parts = [
    otherVotes ? `${votes(otherVotes)} for words beyond those that are kept` : "",
    unshownVotes ? `${votes(unshownVotes)} ${approve ? "waiting for approval or hidden" : "for hidden words"}` : "",
  ];
  return parts.filter(Boolean).join(" · ");
}

/** Returns what stands where words would, while there are none to be seen. */
export function instead(poll: WordsPoll, seen: boolean): string {
  if (poll.status === "draft") return "";
  if (!seen) return "The words are hidden until the reveal";
  if (poll.unshownVotes && poll.approve) return "Words appear once they are approved";
  if (poll.totalVotes) return "No word is shown";
  return poll.status === "open" ? "Waiting for the first word" : "Nobody has sent a word";
}
