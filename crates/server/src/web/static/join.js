// The join page: enter a code, pick an open poll, or make one.

import { call, explain, ownerToken, reachable, uuidv7 } from "./api.js";
import { $, el, plural, recall, remember, spoken, text } from "./dom.js";
import { Live, linkLine } from "./live.js";

// ---- a code ----

$("join").addEventListener("submit", async (event) => {
  event.preventDefault();
  // Forgiven: spaces, dashes, and the whole address instead of the code.
  const code = $("code").value.replace(/^.*\/p\//, "").replace(/[^0-9a-z]/gi, "");
  if (!code) return;
  text($("code-fault"), "");
  const answer = await call("GET", `/api/polls/${encodeURIComponent(code)}`);
  if (answer.data) location.href = `/p/${encodeURIComponent(code)}`;
  else if (answer.status === 404) text($("code-fault"), `No poll has the code ${spoken(code)}. Is it typed as on the screen?`);
  else text($("code-fault"), explain(answer.problem));
  $("code").focus();
});

const last = recall("last");
if (last?.code) {
  const link = $("last").firstElementChild;
  link.href = `/p/${last.code}`;
  link.replaceChildren("Back to “", el("bdi", {}, last.question), "”");
  $("last").hidden = false;
}

// ---- open polls ----

const SHOWN = 50;
const polls = new Map();

function show() {
  const open = [...polls.values()]
    .filter((poll) => poll.status === "open" && poll.listed)
    .sort((a, b) => (a.id < b.id ? 1 : -1))
    .slice(0, SHOWN);
  $("foot").hidden = false;
  $("none").hidden = open.length > 0;
  text($("none"), "None is open now. Make one above.");
  const list = $("polls");
  const rows = new Map([...list.children].map((row) => [row.dataset.id, row]));
  for (const [id, row] of rows) if (!open.some((poll) => poll.id === id)) row.remove();
  open.forEach((poll, i) => {
    const row = rows.get(poll.id) ?? el("li", { "data-id": poll.id },
      el("a", { href: `/p/${poll.code ?? poll.id}` }, el("span", { dir: "auto" }), el("span", { class: "num" })));
    text(row.firstChild.firstChild, poll.question);
    text(row.firstChild.lastChild, poll.totalVotes == null ? "" : plural(poll.totalVotes, "vote", "votes"));
    if (list.children[i] !== row) list.insertBefore(row, list.children[i] ?? null);
  });
}

new Live({
  query: "",
  read: async () => (await call("GET", `/api/polls?status=open&limit=${SHOWN}`)).data,
  on: {
    poll: (poll) => { polls.set(poll.id, poll); show(); },
    link: linkLine($("link")),
  },
});
call("GET", `/api/polls?status=open&limit=${SHOWN}`).then(({ data }) => {
  for (const poll of data?.polls ?? []) {
    if (!(polls.get(poll.id)?.version > poll.version)) polls.set(poll.id, poll);
  }
  show();
});

// ---- a new poll ----

const MOST = 100;
let creation = uuidv7();

function addOption(focus) {
  const n = $("options").children.length + 1;
  if (n > MOST) return;
  const field = el("input", { name: "option", maxlength: 200, autocomplete: "off", required: n <= 2 });
  $("options").append(el("label", {}, el("span", {}, `Option ${n}`), field));
  if (focus) field.focus();
}
for (let i = 0; i < 3; i++) addOption(false);
$("more").addEventListener("click", () => addOption(true));
// A changed form is another request; the same one sent again makes no second poll.
$("make").addEventListener("input", () => { creation = uuidv7(); });

$("make").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const fault = $("make-fault");
  text(fault, "");
  const button = event.submitter ?? event.target.querySelector("button.main");
  button.disabled = true;
  const answer = await call("POST", "/api/polls", {
    headers: { "Idempotency-Key": creation },
    body: {
      question: form.get("question"),
      options: form.getAll("option").filter((option) => option.trim()),
      kind: form.get("many") ? "multiple" : "single",
      results: form.get("results"),
    },
  });
  button.disabled = false;
  if (!answer.data) return text(fault, explain(answer.problem));
  made(answer.data);
  creation = uuidv7();
});

function made(poll) {
  const owner = reachable(poll.ownerUrl ?? `${location.origin}/studio`);
  // An Idempotency-Key repeated after a lost answer brings the poll, but never its token again.
  if (poll.ownerToken) remember(`owner.${poll.id}`, poll.ownerToken);
  text($("made-code"), spoken(poll.code ?? ""));
  $("made-join").value = `${owner.split("/studio")[0]}/p/${poll.code ?? poll.id}`;
  $("made-owner").value = poll.ownerUrl ? owner
    : ownerToken(poll.id) ? "kept in this browser" : "shown only once";
  $("made-vote").href = `/p/${poll.code ?? poll.id}`;
  $("made-stage").href = `/present/${poll.id}`;
  $("made").hidden = false;
  $("made").scrollIntoView({ block: "center" });
}
for (const id of ["made-join", "made-owner"]) {
  $(id).addEventListener("focus", (event) => event.target.select());
}
