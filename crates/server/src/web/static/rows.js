// The bars of one poll on stage. Rows never move: up to twelve options keep their order; of more
// the eleven in front are shown, and the rest in one row, "others".

import { el, hue, letter, number, percent, share, text } from "./dom.js";

const MOST = 12;
/** Up to so many have room for two lines of text. */
const ROOMY = 4;
const ONE_COLUMN = 6;

export class Rows {
  #slots;

  /** Fill `list` with the rows of this poll. */
  constructor(list, poll) {
    const count = Math.min(poll.options.length, MOST);
    this.#slots = Array.from({ length: count }, slot);
    list.classList.toggle("roomy", count <= ROOMY);
    list.classList.toggle("two", count > ONE_COLUMN);
    list.style.gridTemplateRows = count > ONE_COLUMN ? `repeat(${Math.ceil(count / 2)}, auto)` : "";
    list.replaceChildren(...this.#slots.map(({ item }) => item));
  }

  /** Show these figures, or none of them while they are hidden from the room. */
  show(poll, seen) {
    inFront(poll, seen).forEach((entry, i) => {
      const { item, sign, words, bar, count, part } = this.#slots[i];
      const ratio = seen ? entry.share : 0;
      item.className = entry.look;
      text(sign, entry.letter);
      text(words, entry.text);
      words.title = entry.text;
      bar.style.transform = `scaleX(${ratio})`;
      text(count, seen ? number(entry.votes) : "");
      text(part, seen ? percent(ratio) : "");
    });
  }
}

function slot() {
  const sign = el("span", { class: "letter" }), words = el("span", { class: "text", dir: "auto" });
  const count = el("span"), part = el("small"), bar = el("div", { class: "bar" });
  const item = el("li", {}, sign, words, el("span", { class: "num" }, count, part),
    el("div", { class: "track" }, bar));
  return { item, sign, words, bar, count, part };
}

/** What each row shows. */
function inFront(poll, seen) {
  const entries = poll.options.map((option, i) => ({
    text: option.text, votes: option.votes ?? 0, share: share(poll, option), look: hue(i), letter: letter(i),
  }));
  if (entries.length <= MOST) return entries;
  // Sorting is stable: equal votes, and figures that are hidden, keep the order of the options.
  const ranked = seen ? [...entries].sort((a, b) => b.votes - a.votes) : entries;
  const rest = ranked.slice(MOST - 1);
  const votes = rest.reduce((sum, entry) => sum + entry.votes, 0);
  return [...ranked.slice(0, MOST - 1), {
    text: `${rest.length} others`, votes, letter: "…", look: "others",
    // Of many choices the others together may be chosen more often than there are people.
    share: Math.min(1, votes / (poll.totalVoters || 1)),
  }];
}
