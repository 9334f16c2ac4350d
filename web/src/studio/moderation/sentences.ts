// Puts words and decisions into sentences.

import type { OwnersWord } from "../../api/generated";
import { number, plural } from "../words";

/** Returns a word between quotation marks; its direction turns nothing around that stands beside it. */
export const quoted = ({ text }: Pick<OwnersWord, "text">): string =>
  text === null ? "An erased word" : `“\u2068${text}\u2069”`;

/** Says of a word how it stands. */
export const NOW: Record<OwnersWord["state"], string> = {
  waiting: "waits again",
  shown: "is shown",
  hidden: "is hidden",
  erased: "is erased for good",
};

/** Says what was decided. The text of an erased word is said nowhere any more. */
export const decided = (word: OwnersWord): string =>
  word.state === "erased" ? "The word is erased for good. Nothing can be undone" : `${quoted(word)} ${NOW[word.state]}`;

/** Says what an undo does to the word of the latest decision, as the end of a sentence. */
export const UNDOES: Record<OwnersWord["state"], string> = {
  waiting: "let it wait again",
  shown: "show it again",
  hidden: "hide it again",
  erased: "",
};

/** Says that decisions were refused, and why. */
export const told = (why: string, back: readonly { word: OwnersWord }[]): string =>
  `${why}. ${back.length === 1 ? `${quoted(back[0]!.word)} stays` : `${plural(back.length, "word")} stay`} as before`;

/** Says how many words wait. */
export const waiting = (count: number): string =>
  count === 0 ? "No word waits" : count === 1 ? "1 word waits" : `${plural(count, "word")} wait`;

/** Says how far many words were shown before the server refused more. */
export const partly = (done: number, of: number): string =>
  `. Before that, ${number(done)} of ${plural(of, "word")} were shown`;

/** Says how many decisions the server has not answered. */
export const unanswered = (count: number): string =>
  `${plural(count, "decision")} ${count === 1 ? "has" : "have"} no answer from the server yet`;
