// The stage: one poll, read from the back row. Order stays, bars grow, nothing moves.

import { call, loopback, openPoll, ownerToken, reachable } from "./api.js";
import { $, announcer, fillTable, number, percent, plural, share, spoken, summary, text, wording } from "./dom.js";
import { heed } from "./keys.js";
import { Live, linkLine } from "./live.js";
import { drawQr } from "./qr.js";
import { Rows } from "./rows.js";

const LISTED = 100;
/** Sizes of the question, in hundredths of the height, and the most lines it may take. */
const SIZES = [6, 5.2, 4.5, 3.9, 3.4, 2.9, 2.4], MOST_LINES = 8;

let poll = await openPoll((sentence) => text($("question"), sentence));
let token, rows, live, base = location.origin, local = false;

heed({
  " ": reveal,
  arrowright: () => step(1),
  arrowleft: () => step(-1),
  q: () => { $("over").hidden = !$("over").hidden; },
  z: () => { document.body.classList.toggle("bare"); fit(); },
  escape: () => { $("over").hidden = true; },
  "?": () => $("help").showModal(),
});

const say = announcer($("aloud"));
if (poll) start();

function start() {
  $("side").hidden = $("foot").hidden = $("rows").hidden = false;
  // Phones may reach this server by another address than this page does.
  call("GET", "/api").then(({ data }) => { base = data?.publicUrl ?? base; invite(); });
  turnTo(poll);
  live = new Live({
    query: `?poll=${poll.id}`, token,
    read: async () => {
      const { data } = await call("GET", `/api/polls/${poll.id}`, { token });
      return data && { polls: [data] };
    },
    on: {
      poll(newer) {
        if (newer.id !== poll.id) return;
        if (wording(newer) !== wording(poll)) return turnTo(newer);
        poll = newer;
        render();
      },
      link: linkLine($("link")),
    },
  });
}

/** Show this poll, without a new page: that would leave full screen. */
function turnTo(next) {
  poll = next;
  token = ownerToken(poll.id);
  rows = new Rows($("rows"), poll);
  invite();
  render();
  fit();
}

/** The question as large as leaves the bars their room; two lines of the largest it always has. */
function fit() {
  const title = $("question"), list = $("rows");
  for (const size of SIZES) {
    title.style.setProperty("--size", size);
    const { minHeight, lineHeight } = getComputedStyle(title);
    // Letters reach a little out of their lines, and that counts as height.
    const high = title.scrollHeight - 0.1 * parseFloat(lineHeight);
    if (high <= parseFloat(minHeight)) return;
    if (high <= MOST_LINES * parseFloat(lineHeight) && list.scrollHeight <= list.clientHeight + 1) return;
  }
}
addEventListener("resize", fit);

/** To the next or last of the open, listed polls, oldest first. */
async function step(by) {
  const { data } = await call("GET", `/api/polls?status=open&limit=${LISTED}`);
  const others = (data?.polls ?? []).sort((a, b) => (a.id < b.id ? -1 : 1));
  if (!others.length) return;
  const here = others.findIndex(({ id }) => id === poll?.id);
  const from = here < 0 && by < 0 ? 0 : here;
  const next = others[(from + by + others.length) % others.length];
  if (next.id === poll?.id) return;
  history.pushState(null, "", `/present/${next.id}`);
  if (!live) return location.reload();
  turnTo(next);
  live.turnTo(`?poll=${next.id}`, token);
}
addEventListener("popstate", () => location.reload());

/** How to join, at the address phones reach this server by: as the server knows it, or as here. */
function invite() {
  const home = reachable(base), address = `${home}/p/${poll.code ?? poll.id}`;
  for (const place of [$("side"), $("over")]) {
    drawQr(place.querySelector(".qr"), address);
    text(place.querySelector(".code"), spoken(poll.code ?? ""));
    text(place.querySelector(".address"), home.replace(/^https?:\/\//, ""));
  }
  local = loopback(address);
  hint();
}

function render() {
  document.title = `${poll.question} · Pollux`;
  text($("question"), poll.question);
  // The stage shows what the room may see, also where the organiser's token would show more.
  const seen = poll.totalVoters != null && (poll.results === "live" || poll.revealed);
  rows.show(poll, seen);
  text($("total"), total(seen));
  $("status").className = `badge ${poll.status}`;
  text($("status"), { draft: "Not open yet", open: "Open", closed: poll.final ? "Final result" : "Closing" }[poll.status]);
  // Nobody can join a poll that has closed: its place is the outcome's, once all is counted.
  const over = poll.status === "closed";
  hint();
  $("side").classList.toggle("over-now", over);
  $("outcome").hidden = !poll.final;
  if (poll.final) outcome(seen);
  if (seen) { fillTable($("table"), poll); say(summary(poll)); }
}

/** A line for whoever runs the stage. */
function hint() {
  text($("hint"), poll.status === "closed" && !poll.final ? "The last votes are being counted"
    : token && !poll.revealed ? "Space reveals"
      : local && poll.status === "open" ? "This machine only. For phones, serve with --host 0.0.0.0" : "");
}

function total(seen) {
  if (!seen) return "Results are hidden";
  if (!poll.totalVoters && poll.status === "open") return "Waiting for the first vote";
  return poll.kind === "multiple"
    ? `${plural(poll.totalVotes, "vote", "votes")} of ${plural(poll.totalVoters, "person", "people")}`
    : plural(poll.totalVoters, "vote", "votes");
}

/** Who won, once the numbers are final. */
function outcome(seen) {
  const most = Math.max(...poll.options.map((option) => option.votes ?? 0));
  const first = seen && most ? poll.options.filter((option) => option.votes === most) : [];
  const [title, name, figure] = !seen ? ["The poll is closed", "", ""]
    : !first.length ? ["Final result", "No votes", ""]
      : first.length > 1 ? ["Final result", `A tie of ${first.length}`, `${number(most)} each`]
        : ["Final result", first[0].text, percent(share(poll, first[0]))];
  text($("outcome-title"), title);
  text($("outcome-name"), name);
  text($("outcome-figure"), figure);
}

async function reveal() {
  if (!token || poll.revealed) return;
  const { data } = await call("POST", `/api/polls/${poll.id}/reveal`, { token });
  if (data) live.take(data);
}
