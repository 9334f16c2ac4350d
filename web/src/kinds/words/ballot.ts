// Implements a poll of words on the voter's phone: its ballot paper, the words about it, and what was sent most.

import type { BallotKind } from "../../vote/kind";
import type { Voting } from "../../vote/voting.svelte";
import type { WordsPoll } from "../kind";
import Ballot from "./Ballot.svelte";
import { different, fit } from "./ballot-written";
import Table from "./BallotTable.svelte";
import { say } from "./words";
import style from "./ballot.css?inline";

/** Where more words than these are level, none of them stands out. */
const LEVEL = 3;

const texts = (answer: readonly (string | null)[]) => answer.filter((text) => text !== null);

/** Returns the first of the words that were sent which the server has refused, until something else is written. */
const refused = ({ returned, picked, ballot: { now } }: Voting<WordsPoll, string>) =>
  returned && picked.find((_, index) => now.wrong?.includes(`/answer/${index}`));

const words: BallotKind<WordsPoll, string> = {
  member: "answer",
  style,
  printed: ({ kind, revote, maxWords }) => [kind, revote, maxWords],
  Ballot,
  Table,
  faulty: (voting) => !fit(texts(voting.picked)) || !!refused(voting),

  choosing: ({ maxWords: n }, marked) => (marked ? say("marked") : say("start", { n })),

  sends(voting) {
    const { poll, ballot, picked } = voting;
    const given = texts(picked);
    const n = different(given);
    if (!n) return say("missing");
    if (!fit(given)) return say("shorten");
    if (refused(voting)) return say("refused");
    return say(ballot.chosen.length && poll.revote !== "refuse" ? "change" : "send", { n });
  },

  refusal(voting) {
    const word = refused(voting);
    return word ? say("barred", { word }) : "";
  },

  lead({ words }) {
    const votes = words?.[0]?.votes ?? 0;
    const first = (words ?? []).filter((word) => word.votes === votes);
    if (!votes || first.length > LEVEL) return "";
    return say("lead", { words: first.map(({ text }) => text).join(", "), n: votes });
  },

  yours: ({ maxWords: n }) => say("yours", { n }),
  lines: (_, answer) => texts(answer),
};

export default words;
