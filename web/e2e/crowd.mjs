// Plays the other people: voters who never retry and keep no cookie, and the screens and organisers besides
// those that a test is about. The votes that they were told are counted are accounted for exactly.

import { setTimeout as pause } from "node:timers/promises";
import { kindOf } from "./kinds.mjs";
import { Socket } from "./socket.mjs";

const PATIENCE_MS = 10_000;
/** One in this many of the crowd's voters votes over a WebSocket. */
const BY_SOCKET = 4;

/** Sends this body; returns the status and the answer's body, or nothing at all. */
async function post(port, path, body, { token, method = "POST" } = {}) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE_MS),
    headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
  }).catch(() => null);
  return answer && { status: answer.status, said: await answer.json().catch(() => null) };
}

/** A `Crowd` is many strangers who vote once each in one poll, and go. */
export class Crowd {
  #port;
  #poll;
  #kind;
  #timer;
  #under = new Set();
  #left;
  #choose;
  #came = 0;
  /**
   * The account of the acknowledged votes, as the poll's kind keeps it. Voters without an answer are counted in
   * `unknown`, refused ones in `refused`.
   */
  votes;
  unknown = 0;
  refused = 0;

  /**
   * Sends `perSecond` voters each second until `leave` is called or `most` have voted; `choose` returns a
   * voter's marks.
   */
  constructor(port, poll, { perSecond = 15, most = 600, choose } = {}) {
    this.#port = port;
    this.#poll = poll;
    this.#kind = kindOf(poll);
    this.#left = most;
    this.#choose = choose ?? ((one) => [(one % poll.options.length) + 1]);
    this.votes = this.#kind.none(poll);
    this.#timer = setInterval(() => this.#next(), 1_000 / perSecond);
  }

  get voters() {
    return this.#came - this.#under.size - this.unknown - this.refused;
  }

  /** Sends nobody else; resolves to this account once all voters have their answers. */
  async leave() {
    clearInterval(this.#timer);
    await Promise.all(this.#under);
    return { votes: this.votes, voters: this.voters };
  }

  /** Resolves once all voters have come. */
  async over() {
    while (this.#left > 0) await pause(20);
    return this.leave();
  }

  #next() {
    if (this.#left-- <= 0) return clearInterval(this.#timer);
    const one = this.#came++,
      marks = this.#choose(one);
    const vote = (one % BY_SOCKET ? this.#byRequest(marks) : this.#bySocket(marks))
      .then((answer) => this.#note(marks, answer))
      .finally(() => this.#under.delete(vote));
    this.#under.add(vote);
  }

  #note(marks, answer) {
    if (answer !== "counted") this[answer]++;
    else this.#kind.add(this.votes, marks, this.#poll);
  }

  async #byRequest(marks) {
    const answer = await post(this.#port, `/api/polls/${this.#poll.id}/vote`, this.#kind.sends(marks));
    if (!answer || answer.status === 504) return "unknown";
    return answer.status < 300 ? "counted" : "refused";
  }

  /** A WebSocket's voter is whoever opened it, so each voter opens one. */
  async #bySocket(marks) {
    let socket;
    const said = this.#kind.says(marks, this.#poll);
    return new Promise((done) => {
      setTimeout(done, PATIENCE_MS, "unknown").unref();
      const hears = ({ type, problem }) => {
        if (/^vote\./.test(type)) done("counted");
        else if (type === "error") done(problem.status === 504 ? "unknown" : "refused");
      };
      Socket.open(this.#port, `/ws?poll=${this.#poll.id}`, hears).then(
        (opened) => {
          socket = opened;
          socket.say({ type: "vote", poll: this.#poll.id, ...said, ref: 1 });
        },
        () => done("unknown"),
      );
    }).finally(() => socket?.close());
  }
}

/** Milliseconds between two acts of the others. */
const BEAT = 60;
/**
 * The others act in this many newest polls, and every other time in the newest of all, because tests are
 * about those.
 */
const NEWEST = 3;
/** The number of screens that are open at one time. */
const SCREENS = 3;

/**
 * `Others` holds the people who are in every poll of a server all the time without changing a number: voters
 * vote for the same option again, an organiser's other device saves what is there already, screens come, ask
 * and go. Each vote and each save is news to every screen, with a version of its own.
 */
export class Others {
  #port;
  #timer;
  #beat = 0;
  #busy = new Set();
  #screens = [];
  /** The polls by id: {id, event, token, voters: [{voterId, optionId}]}. */
  #rooms = new Map();

  constructor(port) {
    this.#port = port;
    this.#timer = setInterval(() => this.#act(), BEAT);
    this.#timer.unref();
  }

  /** Notes a new poll or event and its owner's token. */
  meet({ id, title, eventId }, token) {
    this.#rooms.set(id, { id, token, event: title === undefined ? null : id, eventId, voters: [] });
  }

  /** Notes that somebody has voted. */
  voted(poll, voter) {
    this.#rooms.get(poll.id)?.voters.push(voter);
  }

  /**
   * Lets nobody vote in this poll again, because it is about to be reset. Resolves once all who did have
   * their answers.
   */
  async leave(poll) {
    const room = this.#rooms.get(poll.id);
    if (room) room.voters = [];
    await Promise.all(this.#busy);
  }

  stop() {
    clearInterval(this.#timer);
    for (const socket of this.#screens) socket.close();
  }

  #act() {
    // Slow requests are not piled up.
    if (!this.#rooms.size || this.#busy.size > 4) return;
    const beat = this.#beat++,
      rooms = [...this.#rooms.values()].slice(-NEWEST);
    const room = beat % 2 ? rooms.at(-1) : rooms[(beat / 2) % rooms.length];
    const save = beat % 16 === 1 || !room.voters.length;
    const done = (beat % 16 === 0 ? this.#look(room) : save ? this.#save(room) : this.#again(room))
      .catch(() => {})
      .finally(() => this.#busy.delete(done));
    this.#busy.add(done);
  }

  async #again({ id, voters }) {
    const voter = voters[this.#beat % voters.length];
    await post(this.#port(), `/api/polls/${id}/vote`, voter);
  }

  async #save({ id, token, event }) {
    const path = `/api/${event ? "events" : "polls"}/${id}`;
    const answer = await fetch(`http://127.0.0.1:${this.#port()}${path}`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    if (!answer.ok) return;
    const { status, embed } = await answer.json();
    if (event || status === "open") await post(this.#port(), path, { embed }, { token, method: "PATCH" });
  }

  async #look({ id, event }) {
    const screen = await Socket.open(this.#port(), `/ws?${event ? "event" : "poll"}=${id}`);
    if (!event) for (const type of ["unsubscribe", "subscribe"]) screen.say({ type, poll: id });
    this.#screens.push(screen);
    if (this.#screens.length > SCREENS) this.#screens.shift().close();
  }
}
