// The stage: one poll, read from the back row. Order stays, bars grow, nothing moves.

import { call, loopback, openPoll, ownerToken, reachable } from "./api.js";
import {
  $, announcer, el, fillTable, hue, letter, number, percent, plural, recall, remember, share, spoken, summary, text,
} from "./dom.js";
import { Live, linkLine } from "./live.js";
import { drawQr } from "./qr.js";

const ROOMY = 6;
const ONE_COLUMN = 8;

const root = document.documentElement;
root.dataset.theme = recall("theme") ?? "dark";

let poll = await openPoll((sentence) => text($("question"), sentence));
if (poll) start();

function start() {
  const token = ownerToken(poll.id);
  const say = announcer($("aloud"));
  const rows = poll.options.map((option, i) => {
    const bar = el("div", { class: "bar" });
    const count = el("span", {}), part = el("small", {});
    const item = el("li", { class: hue(i) },
      el("span", { class: "letter" }, letter(i)), el("span", { class: "text", title: option.text }, option.text),
      el("span", { class: "num" }, count, part), el("div", { class: "track" }, bar));
    return { item, bar, count, part };
  });
  $("rows").classList.toggle("tight", rows.length > ROOMY);
  $("rows").classList.toggle("two", rows.length > ONE_COLUMN);
  $("rows").replaceChildren(...rows.map((row) => row.item));
  invite(location.origin);
  call("GET", "/api").then(({ data }) => data?.publicUrl && invite(data.publicUrl));
  render();

  new Live({
    query: `?poll=${poll.id}`,
    token,
    read: async () => {
      const { data } = await call("GET", `/api/polls/${poll.id}`, { token });
      return data && { polls: [data] };
    },
    on: {
      poll(newer) { if (newer.id === poll.id) { poll = newer; render(); } },
      link: linkLine($("link")),
    },
  });

  /** How to join, at the address phones reach this server by: as the server knows it, or as here. */
  function invite(base) {
    const address = `${reachable(base)}/p/${poll.code ?? poll.id}`;
    for (const place of [$("side"), $("over")]) {
      drawQr(place.querySelector(".qr"), address);
      text(place.querySelector(".code"), spoken(poll.code ?? ""));
      text(place.querySelector(".address"), address.replace(/^https?:\/\//, ""));
    }
    $("side").querySelector(".unreachable").hidden = !loopback(address);
  }

  function render() {
    document.title = `${poll.question} · Pollux`;
    text($("question"), poll.question);
    // The stage shows what the room may see, also where the organiser's token would show more.
    const seen = poll.totalVoters != null && (poll.results === "live" || poll.revealed);
    poll.options.forEach((option, i) => {
      const part = seen ? share(poll, option) : 0;
      rows[i].bar.style.transform = `scaleX(${part})`;
      text(rows[i].count, seen ? number(option.votes) : "");
      text(rows[i].part, seen ? percent(part) : "");
    });
    text($("total"), !seen ? "Results are hidden"
      : poll.kind === "multiple" ? `${plural(poll.totalVotes, "vote", "votes")} of ${plural(poll.totalVoters, "person", "people")}`
        : plural(poll.totalVoters, "vote", "votes"));
    $("status").className = `badge ${poll.status}`;
    text($("status"), { draft: "Not open yet", open: "Open", closed: poll.final ? "Final result" : "Closed" }[poll.status]);
    text($("hint"), token && !poll.revealed ? "Space reveals" : "");
    if (seen) { fillTable($("table"), poll); say(summary(poll)); }
  }

  async function reveal() {
    if (!token || poll.revealed) return;
    const { data } = await call("POST", `/api/polls/${poll.id}/reveal`, { token });
    if (data && data.version >= poll.version) { poll = data; render(); }
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, button, dialog")) return;
    const act = {
      " ": reveal,
      q: () => { $("over").hidden = !$("over").hidden; },
      f: () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()),
      t: () => {
        root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
        remember("theme", root.dataset.theme);
      },
      "?": () => $("help").showModal(),
    }[event.key.toLowerCase()];
    if (act) { event.preventDefault(); act(); }
  });
}
