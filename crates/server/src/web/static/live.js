// The one live connection of a page: a WebSocket, and plain requests while there is none.
//
// What arrives is whole states, so nothing is ever replayed: of two states of a poll the one
// with the greater version stands. A new epoch means another server process with other books:
// versions start afresh.

import { backOff } from "./api.js";
import { text } from "./dom.js";

const POLL_EVERY = 2_000;
const SILENCE = 30_000;
const SOCKETS_BEFORE_POLLING = 3;

export class Live {
  #query; #read; #token; #on;
  #socket = null; #failures = 0; #retry; #reading = false; #polled = 0;
  #epoch; #versions = new Map(); #board = -1;
  #heard = 0; #greeted = false;

  /**
   * @param query what the socket is asked for: "", "?poll=…", "?leaderboard"
   * @param read an async function that fetches the same by HTTP: {polls, leaderboard} or null
   * @param token the owner's token, if this browser has it
   * @param on {poll(poll, type), leaderboard(board, changes), link(state, heard)}
   */
  constructor({ query, read, token, on }) {
    this.#query = query; this.#read = read; this.#token = token; this.#on = on;
    this.#connect();
    setInterval(() => this.#tick(), 1_000);
    addEventListener("online", () => this.again());
    addEventListener("pageshow", (event) => event.persisted && this.again());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && !this.#greeted) this.again();
    });
  }

  /** Drop the connection and make a new one now, as somebody who has just voted must. */
  again() {
    this.#failures = 0;
    this.#drop();
    this.#connect();
  }

  /** Watch something else from now on. */
  turnTo(query, token) {
    this.#query = query;
    this.#token = token;
    this.again();
  }

  /** Take a state that came another way, such as with an answer. */
  take(poll, type = "poll.updated") {
    if (poll.version < (this.#versions.get(poll.id) ?? -1)) return;
    this.#versions.set(poll.id, poll.version);
    this.#on.poll?.(poll, type);
  }

  #connect() {
    clearTimeout(this.#retry);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws${this.#query}`);
    this.#socket = socket;
    this.#heard ||= Date.now();
    const stuck = setTimeout(() => this.#lost(socket), 10_000);
    socket.onmessage = (event) => {
      if (socket !== this.#socket) return;
      clearTimeout(stuck);
      this.#heard = Date.now();
      let message;
      try { message = JSON.parse(event.data); } catch { return; }
      this.#message(message);
    };
    socket.onclose = () => { clearTimeout(stuck); this.#lost(socket); };
  }

  #message(message) {
    if (message.type === "hello") {
      if (this.#epoch !== undefined && this.#epoch !== message.epoch) this.#forget();
      this.#epoch = message.epoch;
      this.#failures = 0;
      this.#greeted = true;
      if (this.#token) this.#socket.send(JSON.stringify({ type: "auth", token: this.#token }));
      for (const poll of message.polls ?? []) this.take(poll, "hello");
      if (message.leaderboard) this.takeBoard(message.leaderboard, [], true);
    } else if (message.type?.startsWith("poll.") && message.poll) {
      this.take(message.poll, message.type);
    } else if (message.type === "leaderboard.changed") {
      this.takeBoard(message.leaderboard, message.changes);
    }
    this.#show();
  }

  /** Boards are numbered per node: another one's, taken `afresh`, always stands. */
  takeBoard(board, changes = [], afresh = false) {
    if (board.version < this.#board && !afresh) return;
    this.#board = board.version;
    this.#on.leaderboard?.(board, changes);
  }

  #forget() {
    this.#versions.clear();
    this.#board = -1;
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#greeted = false;
    if (socket) { socket.onclose = socket.onmessage = null; socket.close(); }
  }

  #lost(socket) {
    if (socket !== this.#socket) return;
    this.#drop();
    this.#retry = setTimeout(() => this.#connect(), backOff(this.#failures++));
    this.#show();
  }

  /** Every second: show the age, poll if there is no socket, doubt a silent one. */
  #tick() {
    if (!document.hidden) {
      const polling = !this.#greeted && this.#failures >= SOCKETS_BEFORE_POLLING;
      const silent = this.#greeted && Date.now() - this.#heard > SILENCE;
      if (polling || silent) this.#ask(silent);
    }
    this.#show();
  }

  /** A quiet poll and a dead socket look alike. Asking tells them apart. */
  async #ask(doubt) {
    if (this.#reading || Date.now() - this.#polled < POLL_EVERY) return;
    this.#reading = true;
    const socket = this.#socket;
    const found = await this.#read().catch(() => null);
    this.#reading = false;
    this.#polled = Date.now();
    if (!found) {
      if (doubt) this.#lost(socket);
      return;
    }
    this.#heard = Date.now();
    const news = found.polls?.some((poll) => poll.version > (this.#versions.get(poll.id) ?? -1));
    if (doubt && news && socket === this.#socket) this.#lost(socket);
    for (const poll of found.polls ?? []) this.take(poll);
    if (found.leaderboard && !this.#greeted) {
      this.takeBoard(found.leaderboard, [], true);
    }
    this.#show();
  }

  #show() {
    const polling = this.#failures >= SOCKETS_BEFORE_POLLING && Date.now() - this.#heard < 3 * POLL_EVERY;
    this.#on.link?.(this.#greeted ? "live" : polling ? "polling" : "waiting", this.#heard);
  }
}

/** Shows how fresh the page is, in words. */
export function linkLine(node) {
  return (state, heard) => {
    const age = Math.max(0, Math.round((Date.now() - heard) / 1000));
    const old = age < 60 ? `${age} s` : `${Math.round(age / 60)} min`;
    node.dataset.state = state;
    text(node, state === "live" ? "Live" : state === "polling" ? "Updated every 2 s"
      : age < 3 ? "Connecting…" : `As of ${old} ago, reconnecting…`);
  };
}
