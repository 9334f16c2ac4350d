// Stands in for the server in tests that measure a page: it serves one poll, and pushes its states faster than the real
// one ever does.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/** A fake serves one poll: the built pages, what they ask for, and a WebSocket. */
export class Fake {
  /** The event's colour. */
  accent = null;
  #server;
  #sockets = new Set();
  #timer;
  #sent = 0;
  #begun = 0;
  #pages;
  #change;

  /**
   * Starts a server of the pages in a folder, if one is given, and of a poll with these members. `change` makes the
   * next state of the poll from the one before.
   */
  static async start({ pages = "", poll, change }) {
    const fake = new Fake();
    [fake.#pages, fake.#change] = [pages, change];
    fake.poll = {
      id: "01990000-0000-7000-8000-000000000001",
      code: "482913",
      question: "What should our next service be written in?",
      status: "open",
      final: false,
      round: 1,
      phase: 1,
      revote: "replace",
      results: "live",
      turnout: "shown",
      revealed: true,
      totalVotes: 0,
      totalVoters: 0,
      version: 1,
      listed: true,
      voterIds: true,
      eventId: null,
      embed: [],
      resultHash: null,
      createdAt: new Date().toISOString(),
      closesAt: null,
      closesAfter: null,
      missedClosesAt: null,
      closedAt: null,
      ...poll,
    };
    fake.#server = createServer((request, response) => fake.#answer(request, response));
    fake.#server.on("upgrade", (request, socket) => fake.#welcome(request, socket));
    fake.#server.listen(0, "127.0.0.1");
    await once(fake.#server, "listening");
    fake.url = `http://127.0.0.1:${fake.#server.address().port}`;
    return fake;
  }

  get event() {
    const { id, code, question, kind, status, final, revealed, createdAt } = this.poll;
    return {
      id,
      code,
      title: question,
      accent: this.accent,
      layout: "bars",
      logo: null,
      current: id,
      embed: [],
      lone: true,
      version: 1,
      createdAt,
      polls: [{ id, question, kind, status, final, revealed }],
    };
  }

  #answer(request, response) {
    const path = request.url.split("?")[0];
    const json = (data) => response.setHeader("Content-Type", "application/json").end(JSON.stringify(data));
    if (path === "/api/address")
      return json({ url: "http://192.168.1.5:5000", phonesCanOpen: true, why: null, fix: null });
    if (path.endsWith("/pulse") && path.startsWith("/api/events/")) return json({ watchers: 2, elsewhere: true });
    if (path.startsWith("/api/events/")) return json(this.event);
    if (path.endsWith("/pulse")) {
      const { totalVoters } = this.poll;
      return json({
        watchers: 2,
        elsewhere: true,
        acknowledged: totalVoters,
        counted: totalVoters,
        inFlight: 0,
        voteToScreen: { p50Ms: 9, p99Ms: 31, samples: 400 },
        resultHash: null,
      });
    }
    if (path.startsWith("/api/polls/")) return json(this.poll);
    const file = join(this.#pages, this.#page(path));
    if (!existsSync(file)) return response.writeHead(404).end();
    response.setHeader("Content-Type", TYPES[extname(file)]).setHeader("Content-Security-Policy", POLICY);
    createReadStream(file).pipe(response);
  }

  #page(path) {
    if (path.startsWith("/present/")) return "present.html";
    return /^\/(overlay|embed)\//.test(path) ? "overlay.html" : path;
  }

  #welcome(request, socket) {
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on("error", () => {}).on("close", () => this.#sockets.delete(socket));
    this.#sockets.add(socket);
    socket.write(message({ type: "hello", epoch: "1", polls: [this.poll], event: this.event }));
  }

  /** Begins to push so many updates a second, each of which is another state of the poll. */
  push(perSecond) {
    this.#begun = performance.now();
    this.#sent = 0;
    this.#timer = setInterval(() => {
      // Timers of a busy machine are late, so every update that is due is sent.
      for (const due = ((performance.now() - this.#begun) / 1000) * perSecond; this.#sent < due; this.#sent++)
        this.tell();
    }, 1_000 / perSecond);
  }

  /** Returns the updates per second since pushing began. */
  rate() {
    return this.#sent / ((performance.now() - this.#begun) / 1000);
  }

  hush() {
    clearInterval(this.#timer);
  }

  /** Tells all viewers the next state of the poll. */
  tell() {
    const { poll } = this;
    this.#change?.(poll);
    poll.version++;
    const bytes = message({ type: "poll.updated", poll });
    for (const socket of this.#sockets) socket.write(bytes);
  }

  async stop() {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** Returns one unmasked text frame of a WebSocket. */
function message(data) {
  const text = Buffer.from(JSON.stringify(data));
  const head =
    text.length < 126
      ? Buffer.from([0x81, text.length])
      : Buffer.from([0x81, 126, text.length >> 8, text.length & 255]);
  return Buffer.concat([head, text]);
}
