// The real server, as a process that can be killed and started again where it was: an embedded node on a
// folder of its own, or, when `cargo xtask e2e --cluster` has started one, a node of a real cluster with
// topics and a database of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const BINARY = process.env.POLLUX_BIN
  ?? new URL("../../target/debug/pollux", import.meta.url).pathname;
/** Longest start, and longest answer. */
const PATIENCE_MS = 60_000;
/** The databases of the cluster's PostgreSQL that tests may take; none when there is no cluster. */
const DATABASES = process.env.E2E_DATABASES?.split(",") ?? [];
/** The operator's token of every server. */
export const OPERATOR = "the-operator-of-the-tests";
/** Whether the nodes are a cluster's. */
export const CLUSTER = DATABASES.length > 0;

// Whatever ends the tests ends the servers: a crash here, Ctrl-C, the runner's deadline.
const running = new Set();
process.on("exit", () => { for (const child of running) child.kill("SIGKILL"); });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

// With E2E_VITE set the pages come from the development server, as they are in this folder, rather than
// those embedded in the binary: for trying a page without building the server.
const VITE = new URL("../node_modules/.bin/vite", import.meta.url).pathname;

export class Pollux {
  #process; #port = 0; #folder; #publicUrl; #vite; #vitePort;
  #where = ["--embedded"]; #env = {};

  /** Start one on a free port of the loopback and a folder of its own. */
  static async start({ publicUrl } = {}) {
    const server = new Pollux();
    server.#publicUrl = publicUrl;
    server.#folder = await mkdtemp(join(tmpdir(), "pollux-"));
    if (CLUSTER) await server.#join();
    await server.restart();
    if (process.env.E2E_VITE) await server.#serveSources();
    return server;
  }

  /** Where it listens. */
  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get port() {
    return this.#vitePort ?? this.#port;
  }

  async #serveSources() {
    const child = spawn(VITE, ["--host", "127.0.0.1", "--port", "0", "--logLevel", "info"], {
      cwd: new URL("..", import.meta.url).pathname, stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, POLLUX_URL: `http://127.0.0.1:${this.#port}`, NO_COLOR: "1" },
    });
    running.add(child);
    child.once("exit", () => running.delete(child));
    this.#vite = child;
    for await (const line of createInterface({ input: child.stdout })) {
      const found = line.match(/127\.0\.0\.1:(\d+)/);
      if (found) { this.#vitePort = Number(found[1]); break; }
    }
  }

  /** Topics and a database of the cluster that nobody else has taken. */
  async #join() {
    const { KAFKA_BROKER, DB_HOST, DB_PORT, DB_USER, DB_PASSWORD, POLLUX_SECRET } = process.env;
    for (const name of DATABASES) {
      // The folder is this run's; who makes the note has the database.
      const taken = await mkdir(join(tmpdir(), `taken-${name}`)).then(() => false, () => true);
      if (taken) continue;
      this.#where = [];
      this.#env = { KAFKA_BROKER, DB_HOST, DB_PORT, DB_USER, DB_PASSWORD, POLLUX_SECRET,
        DB_NAME: name, POLLUX_TOPIC_PREFIX: `${name}.` };
      return;
    }
    throw new Error(`all ${DATABASES.length} databases are taken: raise DATABASES in xtask/src/e2e.rs`);
  }

  /** Start it again, where it was. */
  async restart() {
    const told = ["serve", ...this.#where, "--json", "--log", "error",
      "--host", "127.0.0.1", "--port", `${this.#port}`,
      ...(CLUSTER ? [] : ["--data", join(this.#folder, "data")]),
      ...(this.#publicUrl ? ["--public-url", this.#publicUrl] : [])];
    const child = spawn(BINARY, told, { cwd: this.#folder, env: { ...this.#env, POLLUX_ADMIN_TOKEN: OPERATOR }, stdio: ["ignore", "pipe", "inherit"] });
    running.add(child);
    child.once("exit", () => running.delete(child));
    this.#process = child;
    const lines = createInterface({ input: child.stdout });
    const [line] = await Promise.race([
      once(lines, "line", { signal: AbortSignal.timeout(PATIENCE_MS) }),
      once(child, "exit").then(([code]) => { throw new Error(`${BINARY} ended with ${code} before it was up`); }),
    ]);
    this.#port = Number(JSON.parse(line).addresses[0].split(":").pop());
  }

  /** SIGKILL: no goodbye, nothing flushed. */
  async kill() {
    if (!running.has(this.#process)) return;
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
  }

  /** End it and remove its folder. */
  async stop() {
    await this.kill();
    this.#vite?.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** A request to the API; throws what a refusal says. */
  async call(method, path, { body, token } = {}) {
    const answer = await fetch(this.url + path, {
      method,
      signal: AbortSignal.timeout(PATIENCE_MS),
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

  /** Make a poll; the answer carries `ownerToken` and `ownerUrl`. */
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
