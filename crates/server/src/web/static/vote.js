// The voter's page: one tap, and the three states nobody may confuse: sending, counted,
// failed and trying again. Whoever holds the owner's token also finds the controls here.

import { call, explain, openPoll, ownerToken } from "./api.js";
import { Ballot } from "./ballot.js";
import {
  $, announcer, el, fillTable, hue, letter, number, percent, plural, remember, share, summary, text, wording,
} from "./dom.js";
import { Live, linkLine } from "./live.js";

/** States in which the voter has a ballot that stands, or may. */
const STANDING = ["sending", "failed", "recorded", "counted", "replaced", "superseded", "refused"];
/** A question of more characters is set smaller. */
const LONG = 120;

let poll = await openPoll((sentence, over) => {
  text($("question"), over ? "There is no poll here" : "Opening the poll…");
  $("link").hidden = over;
  $("state").hidden = false;
  $("elsewhere").hidden = !over;
  $("state").dataset.is = over ? "refused" : "failed";
  text($("state-title"), sentence);
});
if (poll) start();

function start() {
  const token = ownerToken(poll.id);
  const say = announcer($("aloud"));
  const rows = poll.options.map(optionRow);
  $("options").replaceChildren(...rows.map((row) => row.label));
  const ballot = new Ballot(poll, () => render());
  let shownState = ballot.now.state;
  let arrows = false;
  const live = new Live({
    query: `?poll=${poll.id}`,
    token,
    read: async () => {
      const { data } = await call("GET", `/api/polls/${poll.id}`, { token });
      return data && { polls: [data] };
    },
    on: {
      poll(newer) {
        if (newer.id !== poll.id) return;
        if (wording(newer) !== wording(poll)) return location.reload();
        poll = newer;
        ballot.round(poll.round);
        render();
      },
      link: linkLine($("link")),
    },
  });
  if (token) controls();
  remember("last", { code: poll.code ?? poll.id, question: poll.question });
  ballot.resume();
  choose(ballot.chosen);
  render();
  setInterval(() => ballot.now.state === "failed" && stateCard(), 1_000);

  // ---- choosing ----

  function optionRow(option, i) {
    const input = el("input", { type: poll.kind === "multiple" ? "checkbox" : "radio", name: "option", value: option.id });
    const votes = el("span", { class: "num" });
    const bar = el("div", { class: "bar" });
    const label = el("label", { class: `option ${hue(i)}` }, input,
      el("span", { class: "letter", "aria-hidden": "true" }, letter(i)), el("span", { class: "text", dir: "auto" }, option.text),
      el("div", { class: "track", "aria-hidden": "true" }, bar), votes);
    return { label, input, votes, bar };
  }

  function chosen() {
    return rows.filter((row) => row.input.checked).map((row) => Number(row.input.value));
  }

  function choose(ids) {
    for (const row of rows) row.input.checked = ids.includes(Number(row.input.value));
  }

  // A tap on a radio button votes. Arrow keys walk through radio buttons, so they only choose,
  // and the button (or Enter) votes.
  $("ballot").addEventListener("keydown", (event) => { arrows = event.key.startsWith("Arrow"); });
  $("ballot").addEventListener("pointerdown", () => { arrows = false; });
  $("ballot").addEventListener("change", () => {
    if (poll.kind === "single" && !arrows) ballot.cast(chosen());
    else render();
  });
  $("ballot").addEventListener("submit", (event) => {
    event.preventDefault();
    if (chosen().length && mayVote()) ballot.cast(chosen());
  });

  function mayVote() {
    const spent = poll.revote === "refuse" && STANDING.includes(ballot.now.state);
    return poll.status === "open" && !spent;
  }

  // ---- showing ----

  function render() {
    if (ballot.now.state !== shownState) {
      // Results after the vote: the socket's voter is the one of its Upgrade, so it must be anew.
      if (poll.results === "afterVote" && !poll.revealed && ballot.now.answered) live.again();
      if (ballot.now.state === "again") choose([]);
      shownState = ballot.now.state;
    }
    document.title = `${poll.question} · Pollux`;
    text($("question"), poll.question);
    $("question").classList.toggle("long", poll.question.length > LONG);
    const seen = poll.totalVoters != null;
    $("facts").hidden = $("ballot").hidden = $("elsewhere").hidden = false;
    $("status").className = `badge ${poll.status}`;
    text($("status"), { draft: "Draft", open: "Open", closed: poll.final ? "Final result" : "Closed" }[poll.status]);
    text($("total"), !seen ? hiddenWords()
      : poll.kind === "multiple" ? `${plural(poll.totalVoters, "person", "people")}, ${plural(poll.totalVotes, "vote", "votes")}`
        : plural(poll.totalVoters, "vote", "votes"));
    const full = poll.kind === "multiple" && chosen().length >= poll.maxChoices;
    $("options").classList.toggle("counted", seen);
    poll.options.forEach((option, i) => {
      const row = rows[i], part = share(poll, option);
      row.bar.style.transform = `scaleX(${part})`;
      row.input.disabled = !mayVote() || (full && !row.input.checked);
      const figure = seen ? `${number(option.votes)} · ${percent(part)}` : "";
      text(row.votes, figure);
    });
    const picked = chosen();
    const same = picked.join() === ballot.chosen.join() && STANDING.includes(ballot.now.state);
    const ready = mayVote() && picked.length > 0 && !same;
    // Where one tap votes, the button is for those who choose by keyboard only.
    $("send").hidden = poll.kind === "single" && !ready;
    $("send").disabled = !ready;
    text($("send"), ballot.now.sent ? "Change my vote" : "Vote");
    $("figures").hidden = !seen;
    fillTable($("table"), poll);
    stateCard();
    say(summary(poll));
    if (token) showControls();
  }

  function hiddenWords() {
    return poll.results === "afterVote" ? "Results once you have voted" : "Results are hidden for now";
  }

  function stateCard() {
    const { state, sent, note, retryAt } = ballot.now;
    const [is, title, words] = stateWords(state, note, retryAt);
    $("state").hidden = false;
    $("state").dataset.is = is;
    text($("state-title"), title);
    text($("state-text"), words);
    const receipt = sent && ballot.now.answered;
    $("receipt").hidden = !receipt;
    if (receipt) {
      $("receipt").href = ballot.page;
      $("receipt").title = sent.ballotId;
    }
  }

  function stateWords(state, note, retryAt) {
    const change = !mayVote() ? "" : "Another tap changes your vote until the poll closes.";
    switch (state) {
      case "sending": return ["sending", "Sending…", "Keep this page open."];
      case "failed": {
        const left = Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
        return ["failed", "Not through yet, trying again", `${note}. Next try in ${left} s; however often it is sent, it counts once.`];
      }
      case "recorded": return ["counted", "✓ Recorded", "Your vote is safe and will be counted."];
      case "counted": return ["counted", "✓ Counted", change];
      case "replaced":
      case "superseded": return ["counted", "A newer vote of yours counts", change];
      case "refused": return ["refused", "You had voted already", "This poll takes one vote per person; your first one stands."];
      case "late": return ["refused", "Too late to be counted", note ?? "The poll had closed when your vote arrived."];
      case "wrong": return ["refused", "Not accepted", note];
      default:
        if (poll.status === "draft") return ["none", "Not open yet", "The organiser is still writing it."];
        if (poll.status === "closed") return ["none", poll.final ? "The poll is closed" : "Closing", poll.final ? "These numbers are final." : "The last votes are being counted."];
        if (state === "again") return ["none", "A new round has begun", "Please vote again."];
        return ["none", poll.kind === "multiple" ? "Choose, then vote" : "Tap an option to vote",
          poll.kind === "multiple" ? `Up to ${poll.maxChoices} may be chosen.` : "You can change it until the poll closes."];
    }
  }

  // ---- the organiser ----

  function controls() {
    const act = (name) => async () => {
      const answer = await call("POST", `/api/polls/${poll.id}/${name}`, { token });
      text($("owner-fault"), answer.data ? "" : explain(answer.problem));
      if (answer.data) live.take(answer.data);
      // The socket's subscription was made before the poll could be watched.
      if (answer.data && name === "open") live.again();
    };
    // Resetting throws the votes of the round away: it takes a second press.
    let sure = false;
    const reset = act("reset");
    $("controls").append(
      el("button", { "data-for": "open", click: act("open"), class: "main" }, "Open"),
      el("button", { "data-for": "close", click: act("close"), class: "main" }, "Close"),
      el("button", { "data-for": "reopen", click: act("reopen") }, "Reopen"),
      el("button", { "data-for": "reveal", click: act("reveal") }, "Reveal results"),
      el("button", {
        "data-for": "reset", class: "grave",
        click(event) {
          if (sure) reset();
          sure = !sure;
          text(event.target, sure ? "Press again: votes go back to zero" : "Reset");
        },
        blur(event) { sure = false; text(event.target, "Reset"); },
      }, "Reset"),
      el("a", { class: "button", href: `/present/${poll.id}` }, "Big screen"));
    $("owner").hidden = false;
  }

  function showControls() {
    const fits = {
      open: poll.status === "draft", close: poll.status === "open", reopen: poll.status === "closed",
      reveal: !poll.revealed, reset: poll.status !== "draft",
    };
    for (const button of $("controls").querySelectorAll("button")) button.hidden = !fits[button.dataset.for];
  }
}
