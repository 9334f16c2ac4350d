// Speaks WebSocket as a program does: no cookie, no Origin, no retry. Node.js has none of its own before
// version 22.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request as ask } from "node:http";

/** The kinds of frames that matter here. */
const TEXT = 1,
  CLOSE = 8,
  PING = 9,
  PONG = 10;

/** A `Socket` is the client's end of a WebSocket. */
export class Socket {
  #socket;
  #rest = Buffer.alloc(0);
  #hears;

  /** Connects; `hears` is called with every message. */
  static async open(port, path, hears = () => {}) {
    const socket = new Socket();
    socket.#hears = hears;
    const asked = ask({
      host: "127.0.0.1",
      port,
      path,
      headers: {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": 13,
        "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
      },
    });
    asked.end();
    asked.once("response", (answer) => asked.destroy(new Error(`no socket: ${answer.statusCode}`)));
    const [, connection, head] = await once(asked, "upgrade", { signal: AbortSignal.timeout(10_000) });
    socket.#socket = connection.on("error", () => {}).on("data", (chunk) => socket.#take(chunk));
    socket.#take(head);
    return socket;
  }

  get open() {
    return this.#socket.writable;
  }

  say(message) {
    this.#frame(TEXT, Buffer.from(JSON.stringify(message)));
  }

  close() {
    this.#socket.destroy();
  }

  #take(chunk) {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const frame = split(this.#rest);
      if (!frame) return;
      this.#rest = this.#rest.subarray(frame.end);
      if (frame.kind === TEXT) this.#hears(JSON.parse(frame.body));
      else if (frame.kind === PING) this.#frame(PONG, frame.body);
      else if (frame.kind === CLOSE) this.close();
    }
  }

  /** Returns a client's frame. Clients mask their frames; a mask of zeros keeps them readable. */
  #frame(kind, body) {
    const length = body.length < 126 ? [0x80 | body.length] : [0x80 | 126, body.length >> 8, body.length & 255];
    if (this.open) this.#socket.write(Buffer.concat([Buffer.from([0x80 | kind, ...length, 0, 0, 0, 0]), body]));
  }
}

/** Returns the first frame of these bytes, if it is complete. */
function split(bytes) {
  if (bytes.length < 2) return null;
  const short = bytes[1] & 127,
    head = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < head) return null;
  const length = head === 10 ? Number(bytes.readBigUInt64BE(2)) : head === 4 ? bytes.readUInt16BE(2) : short;
  const end = head + length;
  return bytes.length < end ? null : { kind: bytes[0] & 15, body: bytes.subarray(head, end), end };
}
