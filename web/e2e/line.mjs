// The line between a browser and the server: slow, uneven, and now and then something on it answers in the
// server's place, as portals, filters and proxies do. What it does by itself follows from a seed, which a failing
// test prints; a test can also order an answer, and ask what has passed.

import { once } from "node:events";
import { Agent, createServer, request as ask } from "node:http";
import { connect } from "node:net";

/** Milliseconds that most things take, and that one in twelve takes, at most. */
const USUAL = 40,
  SLOW = 300;
/** Of the requests that may be answered in the server's place, one in this many is. */
const DISTURBED = Number(process.env.E2E_DISTURBED ?? 24);
/** The page that a portal would like to be seen; nothing is there. */
const LOGIN = "http://login.test/";
/** What the development server's own client has to say of a bad line; see E2E_VITE. */
const DEVELOPMENT = "/@vite/client";

const whole = (status, type, body, rest = {}) => ({
  status,
  body,
  headers: { "Content-Type": type, "Content-Length": Buffer.byteLength(body), ...rest },
});
/** Answers that are whole and not Pollux's. */
const STRANGE = {
  portal: whole(200, "text/html", "<!doctype html><title>Sign in</title><p>Welcome to the hotel's network."),
  json: whole(200, "application/json", "{}"),
  missing: whole(404, "text/plain", "404 page not found\n"),
  filter: whole(403, "text/html", "<!doctype html><title>Blocked</title><p>This page is blocked."),
  login: whole(302, "text/html", "", { Location: LOGIN }),
  gateway: whole(502, "text/html", "<!doctype html><title>502</title><h1>Bad Gateway</h1>"),
};
/** Besides those: the answer is cut in its middle, nothing arrives, or it arrives and its answer does not. */
export const WRONG = [...Object.keys(STRANGE), "cut", "dropped", "lost"];

/** What a page asks for and asks for again when the answer was not Pollux's. */
const RETRIED = /^GET \/api\/(polls|events)\/[^/?]+(\/pulse)?(\?|$)|^GET \/ws|^POST \/api\/polls\/[^/]+\/vote\?/;

/** The addresses at which somebody else answered, in this process. */
const disturbed = new Set();
/** Whether the browser's console may speak of this address: something else has answered there. */
export const excused = (words) =>
  [LOGIN, DEVELOPMENT].some((one) => words.includes(one)) || [...disturbed].some((address) => words.includes(address));

/** Numbers from 0 to 1, the same ones for the same seed. */
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

export class Line {
  #server;
  #upstream;
  #draw;
  #seed;
  #sockets = new Set();
  #orders = [];
  /** What somebody else has answered last: whoever asks for it again is answered by the server. */
  #spoilt = new Set();
  /** A connection for each request: one that is kept may be closed by the server just as it is used again, which nobody ordered. */
  #agent = new Agent({ keepAlive: false });
  /** Every request a page has made: {what: "POST /api/…", body, answer: a status or one of WRONG, at}. */
  passed = [];
  /** Whether something answers in the server's place without being told to. */
  honest = false;

  /** On a free port of the loopback, to the port that the server has at the time. */
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

  /** The next requests that match, such as `POST /api/polls/…/vote`, are answered like this: one of WRONG, or {status, type, body}; of several in turn. */
  order(pattern, wrong, times = 1) {
    this.#orders.push({ pattern, wrong: [wrong].flat(), left: times });
  }

  /** Nothing is ordered any more. */
  forget() {
    this.#orders = [];
  }

  /** Break every connection there is. */
  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** What has passed that matches. */
  heard(pattern) {
    return this.passed.filter(({ what }) => pattern.test(what));
  }

  close() {
    lines.delete(this);
    this.cut();
    this.#agent.destroy();
    this.#server.close();
  }

  /** Who answers: one of WRONG, or null for the server. Two answers in a row to the same request, whatever passes in between, are
   *  never wrong unless ordered. */
  #wrong(what, request) {
    const order = this.#orders.find(({ pattern, left }) => left > 0 && pattern.test(what));
    const ordered = order?.wrong[--order.left % order.wrong.length];
    // Whether a browser's page asks is in a header that no other client of these tests sends.
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
        /* it has happened, and nobody hears of it */
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
      // A stream of events says one after another, each with a delay of its own.
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
    // The development server's own: without it the page is loaded anew.
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

  /** What is said arrives later, and in order; so does the end. */
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
