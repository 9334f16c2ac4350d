// Implements a poll of words on the voter's phone: its ballot paper, the words about it, and what was sent most.

import type { BallotKind } from "../../vote/kind";
import type { WordsPoll } from "../kind";
import Ballot from "./Ballot.svelte";
import { different, fit } from "./ballot-written";
import Table from "./BallotTable.svelte";
import { say } from "./words";
import style from "./ballot.css?inline";

/** Where more words than these are level, none of them stands out. */
const LEVEL = 3;

const texts = (answer: readonly (string | null)[]) => answer.filter((text) => text !== null);

const words: BallotKind<WordsPoll, string> = {
  member: "answer",
  style,
  printed: ({ kind, revote, maxWords }) => [kind, revote, maxWords],
  Ballot,
  Table,
  fits: (answer) => fit(texts(answer)),

  choosing: ({ maxWords: n }, marked) => (marked ? say("marked") : say("start", { n })),

  sends({ poll, ballot, picked }) {
    const given = texts(picked);
    const n = different(given);
    if (!n) return say("missing");
    if (!fit(given)) return say("shorten");
    return say(ballot.chosen.length && poll.revote !== "refuse" ? "change" : "send", { n });
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
