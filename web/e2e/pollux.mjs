// Runs the real server as a process that can be killed and started again where it was: an embedded node with
// a folder of its own, or, when `cargo xtask e2e --cluster` has started a cluster, a node of it with topics
// and a database of its own. It stands in a busy hall: browsers reach it over a bad line, and other people
// are there.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { Crowd, Others } from "./crowd.mjs";
import { Line } from "./line.mjs";

const BINARY = process.env.POLLUX_BIN ?? new URL("../../target/debug/pollux", import.meta.url).pathname;
/** The longest start, and the longest answer, in milliseconds. */
const PATIENCE_MS = 60_000;
/** The databases of the cluster's PostgreSQL that tests may take; none when there is no cluster. */
const DATABASES = process.env.E2E_DATABASES?.split(",") ?? [];
/** The seed of all that the line does by itself. */
const SEED = Number(process.env.E2E_SEED ?? Date.now());
/** The operator's token of every server. */
export const OPERATOR = "the-operator-of-the-tests";
/** Whether the nodes are a cluster's. */
export const CLUSTER = DATABASES.length > 0;

// Whatever ends the tests ends the servers: a crash here, Ctrl-C, the runner's deadline.
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

// With E2E_VITE set the pages come from the development server rather than from the binary, so that a page
// can be tried without building the server.
const VITE = new URL("../node_modules/.bin/vite", import.meta.url).pathname;

/** Runs one server under test. */
export class Pollux {
  #process;
  #port = 0;
  #folder;
  #publicUrl;
  #vite;
  #vitePort;
  #others;
  #where = ["--embedded"];
  #env = {};
  /** The line between the server and the browsers. */
  line;

  /**
   * Starts a server on a free port of the loopback, with a folder of its own; `env` is added to its
   * environment. With `alone` nobody else is there, for a test of silence.
   */
  static async start({ publicUrl, env = {}, alone = false } = {}) {
    const server = new Pollux();
    server.#env = env;
    server.#publicUrl = publicUrl;
    server.#folder = await mkdtemp(join(tmpdir(), "pollux-"));
    if (CLUSTER) await server.#join();
    await server.restart();
    if (process.env.E2E_VITE) await server.#serveSources();
    server.line = await Line.open(() => server.#vitePort ?? server.#port, SEED);
    if (!alone) server.#others = new Others(() => server.#port);
    return server;
  }

  /** The address under which browsers find the server. */
  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get port() {
    return this.line.port;
  }

  /**
   * Starts a crowd that votes in this poll. The crowd notes which of its votes count, for the test to
   * compare.
   */
  crowd(poll, rest) {
    return new Crowd(this.#port, poll, rest);
  }

  /** Lets nobody who has voted in this poll vote again, because it is about to be reset. */
  hush(poll) {
    return this.#others?.leave(poll);
  }

  async #serveSources() {
    const child = spawn(VITE, ["--host", "127.0.0.1", "--port", "0", "--logLevel", "info"], {
      cwd: new URL("..", import.meta.url).pathname,
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, POLLUX_URL: `http://127.0.0.1:${this.#port}`, NO_COLOR: "1" },
    });
    running.add(child);
    child.once("exit", () => running.delete(child));
    this.#vite = child;
    for await (const line of createInterface({ input: child.stdout })) {
      const found = line.match(/127\.0\.0\.1:(\d+)/);
      if (found) {
        this.#vitePort = Number(found[1]);
        break;
      }
    }
  }

  /** Takes topics and a database of the cluster that nobody else has taken. */
  async #join() {
    const { KAFKA_BROKER, DB_HOST, DB_PORT, DB_USER, DB_PASSWORD } = process.env;
    const { POLLUX_SECRET, POLLUX_KAFKA_FLUSH } = process.env;
    for (const name of DATABASES) {
      // The folder is this run's: whoever creates the note in it has the database.
      const taken = await mkdir(join(tmpdir(), `taken-${name}`)).then(
        () => false,
        () => true,
      );
      if (taken) continue;
      this.#where = [];
      this.#env = {
        ...this.#env,
        KAFKA_BROKER,
        DB_HOST,
        DB_PORT,
        DB_USER,
        DB_PASSWORD,
        POLLUX_SECRET,
        POLLUX_KAFKA_FLUSH,
        DB_NAME: name,
        POLLUX_TOPIC_PREFIX: `${name}.`,
      };
      return;
    }
    throw new Error(`all ${DATABASES.length} databases are taken: raise DATABASES in xtask/src/e2e.rs`);
  }

  /** Starts the server again, where it was. */
  async restart() {
    const told = [
      "serve",
      ...this.#where,
      "--json",
      "--log",
      "error",
      "--host",
      "127.0.0.1",
      "--port",
      `${this.#port}`,
      ...(CLUSTER ? [] : ["--data", join(this.#folder, "data")]),
      ...(this.#publicUrl ? ["--public-url", this.#publicUrl] : []),
    ];
    const child = spawn(BINARY, told, {
      cwd: this.#folder,
      env: { ...this.#env, POLLUX_ADMIN_TOKEN: OPERATOR },
      stdio: ["ignore", "pipe", "inherit"],
    });
    running.add(child);
    child.once("exit", () => running.delete(child));
    this.#process = child;
    const lines = createInterface({ input: child.stdout });
    const [line] = await Promise.race([
      once(lines, "line", { signal: AbortSignal.timeout(PATIENCE_MS) }),
      once(child, "exit").then(([code]) => {
        throw new Error(`${BINARY} ended with ${code} before it was up`);
      }),
    ]);
    this.#port = Number(JSON.parse(line).addresses[0].split(":").pop());
  }

  /** Kills the server with SIGKILL: it says no goodbye and flushes nothing. */
  async kill() {
    if (!running.has(this.#process)) return;
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
  }

  /** Ends the server and removes its folder. */
  async stop() {
    this.#others?.stop();
    await this.kill();
    this.line?.close();
    this.#vite?.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Sends a request to the API, past the line; throws a refusal's text. */
  async call(method, path, { body, token } = {}) {
    const answer = await fetch(`http://127.0.0.1:${this.#port}${path}`, {
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
    if (answer.status === 201) this.#others?.meet(data, data.ownerToken ?? token);
    return data;
  }

  /** Creates a poll; the answer carries `ownerToken` and `ownerUrl`. */
  poll(question, options, rest = {}) {
    return this.call("POST", "/api/polls", { body: { question, options, ...rest } });
  }

  /** Creates a rating of these statements; the answer carries the same. */
  rating(question, statements, rest = {}) {
    return this.call("POST", "/api/polls", { body: { question, statements, ...rest } });
  }

  /** Creates a ranking of these options; the answer carries the same. */
  ranking(question, options, rest = {}) {
    return this.call("POST", "/api/polls", { body: { kind: "ranking", question, options, ...rest } });
  }

  /** Creates a poll for points among these options; the answer carries the same. */
  points(question, options, rest = {}) {
    return this.call("POST", "/api/polls", { body: { kind: "points", question, options, ...rest } });
  }

  /** Creates a poll for a number; the answer carries the same. */
  number(question, rest = {}) {
    return this.call("POST", "/api/polls", { body: { kind: "number", question, ...rest } });
  }

  /** Creates a poll of words; the answer carries the same. */
  words(question, rest = {}) {
    return this.call("POST", "/api/polls", { body: { kind: "words", question, ...rest } });
  }

  /** Lets one voter send each of these answers, and waits until they are counted. */
  async answered(poll, answers) {
    for (const [i, answer] of answers.entries()) {
      const body = { answer, voterId: `a-${i}` };
      await this.call("POST", `/api/polls/${poll.id}/vote?wait=counted`, { body });
      this.#others?.voted(poll, body);
    }
  }

  /** Lets `count` people vote for this option, and waits until they are counted. */
  async votes(poll, optionId, count, prefix = `o${optionId}`) {
    for (let i = 0; i < count; i++) {
      const body = { optionId, voterId: `${prefix}-${i}` };
      await this.call("POST", `/api/polls/${poll.id}/vote?wait=counted`, { body });
      this.#others?.voted(poll, body);
    }
  }

  read(poll, token) {
    return this.call("GET", `/api/polls/${poll.id}`, { token });
  }

  /** Reads the poll again once so many voters are counted in it. */
  async counted(poll, voters) {
    for (const end = Date.now() + 15_000; ; await pause(20)) {
      const now = await this.read(poll);
      if (now.totalVoters >= voters || Date.now() > end) return now;
    }
  }

  /** Does what an owner may do: close, reopen, reveal, reset, open. */
  async act(poll, name) {
    if (name === "reset") await this.hush(poll);
    return this.call("POST", `/api/polls/${poll.id}/${name}`, { token: poll.ownerToken });
  }
}
