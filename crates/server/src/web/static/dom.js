// Building and filling pages. Text only ever becomes text: nothing here can make HTML of it.

export const $ = (id) => document.getElementById(id);

/** An element with these attributes (a function becomes a listener) and children. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** Change text only where it differs, so that nothing flickers and no reader repeats itself. */
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

export const number = (n) => n.toLocaleString();
export const plural = (n, one, many) => `${number(n)} ${n === 1 ? one : many}`;

/** A, B, … Z, then 27, 28, …: how an option is called in the room. */
export const letter = (index) => (index < 26 ? String.fromCharCode(65 + index) : `${index + 1}`);

/** Colour is never alone: six hues, then the same six hatched. */
export const hue = (index) => `i${index % 6}${index % 12 > 5 ? " hatch" : ""}`;

/** All that is written in a poll: a draft may be edited before it is opened. */
export const wording = ({ question, options }) => JSON.stringify([question, options.map((option) => option.text)]);

/** An option's share of the people who voted; 0 while nobody has or nobody may know. */
export const share = (poll, option) =>
  poll.totalVoters ? (option.votes ?? 0) / poll.totalVoters : 0;

export const percent = (ratio) => `${Math.round(ratio * 100)} %`;

/** A code as people read it aloud: 482 913. */
export const spoken = (code) =>
  code.length === 6 ? `${code.slice(0, 3)}\u2009${code.slice(3)}` : code;

/** What local storage holds, or null; private windows may refuse it. */
export function recall(key) {
  try { return JSON.parse(localStorage.getItem(`pollux.${key}`)); } catch { return null; }
}
export function remember(key, value) {
  try {
    if (value == null) localStorage.removeItem(`pollux.${key}`);
    else localStorage.setItem(`pollux.${key}`, JSON.stringify(value));
  } catch { /* it only lives as long as the page, then */ }
}

/** Results as a table, for those who listen. */
export function fillTable(body, poll) {
  body.replaceChildren(...poll.options.map((option, i) => el("tr", {},
    el("td", {}, `${letter(i)}: ${option.text}`),
    el("td", { class: "num" }, option.votes == null ? "hidden" : number(option.votes)),
    el("td", { class: "num" }, option.votes == null ? "" : percent(share(poll, option))))));
}

/** Says the result aloud, at most every ten seconds. */
export function announcer(node) {
  let due = 0, waiting;
  return (sentence) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { due = Date.now() + 10_000; text(node, sentence); },
      Math.max(1_000, due - Date.now()));
  };
}

export function summary(poll) {
  if (poll.totalVoters == null) return "";
  const best = poll.options.reduce((a, b) => (b.votes > a.votes ? b : a));
  const total = plural(poll.totalVoters, "person has voted", "people have voted");
  return best.votes ? `${total}. In front: ${best.text}, ${percent(share(poll, best))}.` : total;
}
