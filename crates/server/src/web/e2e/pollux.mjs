// The real server, as a process that can be killed and started again on the same folder and port.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const BINARY = process.env.POLLUX_BIN
  ?? new URL("../../../../../target/debug/pollux", import.meta.url).pathname;

export class Pollux {
  #process; #port = 0; #folder; #host;

  /** Start one on a free port and a folder of its own. */
  static async start(host = "127.0.0.1") {
    const server = new Pollux();
    server.#host = host;
    server.#folder = await mkdtemp(join(tmpdir(), "pollux-e2e-"));
    await server.restart();
    return server;
  }

  /** Where it listens. */
  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  get port() {
    return this.#port;
  }

  /** Start it again, where it was. */
  async restart() {
    const told = ["serve", "--json", "--log", "error", "--data", this.#folder, "--host", this.#host,
      "--port", `${this.#port}`];
    const env = { PATH: process.env.PATH };
    this.#process = spawn(BINARY, told, { env, stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: this.#process.stdout });
    const gone = once(this.#process, "exit").then(([code]) => {
      throw new Error(`${BINARY} ended with ${code} before it was up`);
    });
    gone.catch(() => {});
    const [line] = await Promise.race([once(lines, "line"), gone]);
    this.#port = Number(new URL(JSON.parse(line).url).port);
  }

  /** SIGKILL: no goodbye, nothing flushed. */
  async kill() {
    await this.#end("SIGKILL");
  }

  /** End it and remove its folder. */
  async stop() {
    await this.#end("SIGKILL");
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #end(signal) {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, "exit");
    this.#process.kill(signal);
    await gone;
  }

  /** A request to the API; throws what a refusal says. */
  async call(method, path, { body, token } = {}) {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        Accept: "application/json",
        ...(body ? { "Content-Type": "application/json" } : {}),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
      },
      body: body && JSON.stringify(body),
    });
    const data = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(data)}`);
    return data;
  }

  /** Make a poll; the answer carries `ownerToken`. */
  poll(question, options, rest = {}) {
    return this.call("POST", "/api/polls", { body: { question, options, ...rest } });
  }

  /** `count` people vote for the option of this number, and are counted. */
  async votes(poll, optionId, count, prefix = `o${optionId}`) {
    for (let i = 0; i < count; i++) {
      const body = { optionId, voterId: `${prefix}-${i}` };
      await this.call("POST", `/api/polls/${poll.id}/vote?wait=counted`, { body });
    }
  }

  read(poll, token) {
    return this.call("GET", `/api/polls/${poll.id}`, { token });
  }

  /** What the owner may do: close, reopen, reveal, reset, open. */
  act(poll, name) {
    return this.call("POST", `/api/polls/${poll.id}/${name}`, { token: poll.ownerToken });
  }
}
