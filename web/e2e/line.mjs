// Simulates the line between browsers and a server. It is slow and uneven, and now and then something on it
// answers in the server's place, as portals, filters and proxies do. What it does by itself follows from a
// seed, which a failing test prints. A test can also order an answer, and ask what has passed.

import { once } from "node:events";
import { Agent, createServer, request as ask } from "node:http";
import { connect } from "node:net";

/** The longest usual delay, and the longest delay of one request in twelve, in milliseconds. */
const USUAL = 40,
  SLOW = 300;
/** One in this many is disturbed, of the requests that may be answered in the server's place. */
const DISTURBED = Number(process.env.E2E_DISTURBED ?? 24);
/** The page that a portal redirects to; nothing is there. */
const LOGIN = "http://login.test/";
/** The development server's own client, which complains about a bad line (see E2E_VITE). */
const DEVELOPMENT = "/@vite/client";

const whole = (status, type, body, rest = {}) => ({
  status,
  body,
  headers: { "Content-Type": type, "Content-Length": Buffer.byteLength(body), ...rest },
});
/** Answers that are complete and not Pollux's. */
const STRANGE = {
  portal: whole(200, "text/html", "<!doctype html><title>Sign in</title><p>Welcome to the hotel's network."),
  json: whole(200, "application/json", "{}"),
  missing: whole(404, "text/plain", "404 page not found\n"),
  filter: whole(403, "text/html", "<!doctype html><title>Blocked</title><p>This page is blocked."),
  login: whole(302, "text/html", "", { Location: LOGIN }),
  gateway: whole(502, "text/html", "<!doctype html><title>502</title><h1>Bad Gateway</h1>"),
};
/**
 * All ways to answer wrongly. Besides the strange answers: the answer is cut in the middle (`cut`), nothing
 * arrives (`dropped`), or the request arrives and its answer does not (`lost`).
 */
export const WRONG = [...Object.keys(STRANGE), "cut", "dropped", "lost"];

/** The requests that a page repeats when the answer was not Pollux's. */
const RETRIED = /^GET \/api\/(polls|events)\/[^/?]+(\/pulse)?(\?|$)|^GET \/ws|^POST \/api\/polls\/[^/]+\/vote\?/;

/** The addresses at which something else has answered, in this process. */
const disturbed = new Set();
/**
 * Tells whether the browser's console may speak of this address, because something else has answered there.
 */
export const excused = (words) =>
  [LOGIN, DEVELOPMENT].some((one) => words.includes(one)) || [...disturbed].some((address) => words.includes(address));

/** Returns a generator of numbers from 0 to 1, the same ones for the same seed. */
function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The lines that are open, in this process. */
export const lines = new Set();

/** Carries the requests of browsers to one server, on a port of its own. */
export class Line {
  #server;
  #upstream;
  #draw;
  #seed;
  #sockets = new Set();
  #orders = [];
  /** The requests that something else has answered last: whoever repeats one is answered by the server. */
  #spoilt = new Set();
  /**
   * Each request has a connection of its own. The server may close a kept one just as it is used again, which
   * no test has ordered.
   */
  #agent = new Agent({ keepAlive: false });
  /**
   * Every request that a page has made: {what: "POST /api/…", body, answer: a status or one of WRONG, at}.
   */
  passed = [];
  /** Whether the line does only what is ordered. */
  honest = false;

  /** Opens a line on a free port of the loopback, to the port that the server has at the time. */
  static async open(upstream, seed) {
    const line = new Line();
    line.#upstream = upstream;
    line.#seed = seed;
    line.#draw = numbers(seed);
    line.#server = createServer(
      (request, response) => void line.#carry(request, response).catch(() => response.destroy()),
    );
    line.#server.on(
      "upgrade",
      (request, socket, head) => void line.#upgrade(request, socket, head).catch(() => socket.destroy()),
    );
    line.#server.on("connection", (socket) => {
      line.#sockets.add(socket);
      socket
        .setNoDelay(true)
        .on("error", () => {})
        .once("close", () => line.#sockets.delete(socket));
    });
    line.#server.listen(0, "127.0.0.1");
    await once(line.#server, "listening");
    lines.add(line);
    process.once("exit", (code) => {
      if (code) line.#tell();
    });
    return line;
  }

  get port() {
    return this.#server.address().port;
  }

  /**
   * Orders an answer to the next `times` requests that match, such as `POST /api/polls/…/vote`: one of WRONG,
   * or {status, type, body}. Several orders are used in turn.
   */
  order(pattern, wrong, times = 1) {
    this.#orders.push({ pattern, wrong: [wrong].flat(), left: times });
  }

  /** Cancels all orders. */
  forget() {
    this.#orders = [];
  }

  /** Breaks every open connection. */
  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Returns the passed requests that match. */
  heard(pattern) {
    return this.passed.filter(({ what }) => pattern.test(what));
  }

  close() {
    lines.delete(this);
    this.cut();
    this.#agent.destroy();
    this.#server.close();
  }

  /**
   * Decides who answers: one of WRONG, or null for the server. Unless ordered, the same request is never
   * answered wrongly twice in a row, whatever passes in between.
   */
  #wrong(what, request) {
    const order = this.#orders.find(({ pattern, left }) => left > 0 && pattern.test(what));
    const ordered = order?.wrong[--order.left % order.wrong.length];
    // Only a browser's page sends this header; no other client of these tests does.
    const may = !this.#spoilt.delete(what) && !this.honest && request.headers["accept-language"] && RETRIED.test(what);
    const wrong =
      ordered ?? (may && this.#draw() * DISTURBED < 1 ? WRONG[Math.floor(this.#draw() * WRONG.length)] : null);
    if (wrong) {
      this.#spoilt.add(what);
      disturbed.add(`${request.headers.host}${request.url}`);
    }
    return wrong;
  }

  #late() {
    return 2 + this.#draw() * (this.#draw() * 12 < 1 ? SLOW : USUAL);
  }

  #pause() {
    return new Promise((done) => {
      setTimeout(done, this.#late());
    });
  }

  async #carry(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks),
      what = `${request.method} ${request.url}`;
    const entry = { what, body: `${body}`, answer: null, at: Date.now() };
    this.passed.push(entry);
    await this.#pause();
    const wrong = this.#wrong(what, request);
    entry.answer = wrong;
    const strange = STRANGE[wrong] ?? (wrong?.status && whole(wrong.status, wrong.type, wrong.body));
    if (strange) return response.writeHead(strange.status, strange.headers).end(strange.body);
    if (wrong === "dropped") return request.socket.destroy();
    const answer = await this.#forward(request, body);
    entry.answer ??= answer.statusCode;
    if (wrong === "lost") {
      for await (const _ of answer) {
        /* The server has done what was asked, and nobody hears of it. */
      }
      return request.socket.destroy();
    }
    await this.#pause();
    response.writeHead(answer.statusCode, answer.rawHeaders);
    response.once("close", () => answer.destroy());
    for await (const chunk of answer) {
      if (wrong === "cut") {
        response.write(chunk.subarray(0, chunk.length >> 1));
        return void setImmediate(() => request.socket.destroy());
      }
      response.write(chunk);
      // An event stream sends its events one after another, each with a delay of its own.
      if (answer.headers["content-type"] === "text/event-stream") await this.#pause();
    }
    response.end();
  }

  async #forward({ method, url, rawHeaders }, body) {
    const onward = ask({
      host: "127.0.0.1",
      port: this.#upstream(),
      method,
      path: url,
      headers: rawHeaders,
      agent: this.#agent,
    });
    onward.end(body);
    const [answer] = await once(onward, "response");
    return answer;
  }

  async #upgrade(request, socket, head) {
    // The development server's own socket passes: without it the page would be loaded anew.
    if (request.headers["sec-websocket-protocol"]?.startsWith("vite")) {
      this.#sockets.delete(socket);
      return this.#join(request, socket, head);
    }
    const what = `${request.method} ${request.url}`;
    const entry = { what, body: "", answer: 101, at: Date.now() };
    this.passed.push(entry);
    await this.#pause();
    const wrong = this.#wrong(what, request);
    entry.answer = wrong ?? 101;
    const strange = STRANGE[wrong];
    if (strange) {
      const lines = Object.entries(strange.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      return socket.end(
        `HTTP/1.1 ${strange.status} Strange\r\n${lines.join("")}Connection: close\r\n\r\n${strange.body}`,
      );
    }
    if (wrong) return socket.destroy();
    this.#join(request, socket, head);
  }

  #join(request, socket, head) {
    const onward = connect(this.#upstream(), "127.0.0.1");
    const headers = request.rawHeaders.map((text, i) => (i % 2 ? `${text}\r\n` : `${text}: `)).join("");
    onward.write(`${request.method} ${request.url} HTTP/1.1\r\n${headers}\r\n`);
    onward.write(head);
    this.#pour(socket, onward);
    this.#pour(onward, socket);
  }

  /** Passes bytes on with a delay, in order; the end is delayed too. */
  #pour(from, to) {
    let last = Promise.resolve();
    const later = (act) => {
      const arrived = this.#pause(),
        before = last;
      last = before.then(() => arrived).then(act);
    };
    from.on("data", (chunk) =>
      later(() => {
        if (to.writable) to.write(chunk);
      }),
    );
    from.on("error", () => {}).on("close", () => later(() => to.destroySoon()));
  }

  #tell() {
    const strange = this.passed.filter(({ answer }) => WRONG.includes(answer));
    console.error(
      `the line to ${this.#upstream()}: E2E_SEED=${this.#seed}; answered in the server's place:\n` +
        strange.map(({ what, answer, at }) => `  ${new Date(at).toISOString()} ${answer}: ${what}`).join("\n"),
    );
  }
}
