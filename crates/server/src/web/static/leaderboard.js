// The leaderboard: ranks as they are, moving only when they change.

import { call } from "./api.js";
import { $, announcer, el, number, text } from "./dom.js";
import { heed } from "./keys.js";
import { Live, linkLine } from "./live.js";

const PLACES = 10;
const MOVE_MS = 450;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const say = announcer($("aloud"));
heed();

/** Each entry: {key, rank, href, title, under, votes}. */
function show(list, entries) {
  const before = new Map([...list.children].map((item) => [item.dataset.key, item]));
  const tops = new Map([...before].map(([key, item]) => [key, item.getBoundingClientRect().top]));
  const items = entries.map((entry) => fill(before.get(entry.key) ?? blank(entry.key), entry));
  list.replaceChildren(...items);
  if (!items.length) list.append(el("li", {}, el("span"), el("span", { class: "muted" }, "No votes yet")));
  if (calm.matches) return;
  for (const item of items) {
    const from = tops.get(item.dataset.key);
    if (from === undefined) {
      item.animate({ opacity: [0, 1] }, MOVE_MS);
      continue;
    }
    const moved = from - item.getBoundingClientRect().top;
    if (Math.abs(moved) < 1) continue;
    item.animate({ transform: [`translateY(${moved}px)`, "none"] }, { duration: MOVE_MS, easing: "ease-out" });
    item.classList.toggle("up", moved > 0);
    setTimeout(() => item.classList.remove("up"), 2 * MOVE_MS);
  }
}

function blank(key) {
  return el("li", { "data-key": key }, el("span", { class: "rank num" }),
    el("a", {}, el("span", { dir: "auto" }), el("small", { dir: "auto" })), el("span", { class: "votes num" }));
}

function fill(item, { rank, href, title, under, votes }) {
  const [place, link, count] = item.children;
  text(place, String(rank));
  link.href = href;
  text(link.firstChild, title);
  text(link.lastChild, under);
  text(count, number(votes));
  return item;
}

function board({ options, polls }) {
  for (const section of document.querySelectorAll("section")) section.hidden = false;
  show($("options"), options.filter((o) => o.votes).slice(0, PLACES).map((o) => ({
    key: `${o.pollId}.${o.optionId}`, rank: o.rank, href: `/present/${o.pollId}`,
    title: o.option, under: o.question, votes: o.votes,
  })));
  show($("polls"), polls.filter((p) => p.totalVotes).slice(0, PLACES).map((p) => ({
    key: p.pollId, rank: p.rank, href: `/present/${p.pollId}`, title: p.question, under: "", votes: p.totalVotes,
  })));
  if (options[0]?.votes) say(`In front: ${options[0].option}, ${number(options[0].votes)} votes.`);
}

const read = async () => {
  const { data } = await call("GET", `/api/leaderboard?limit=${PLACES}`);
  return data && { leaderboard: data };
};
const live = new Live({ query: "?leaderboard", read, on: { leaderboard: board, link: linkLine($("link")) } });
read().then((found) => found && live.takeBoard(found.leaderboard));
