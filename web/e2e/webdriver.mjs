// Drives Debian's Firefox and WebKitGTK, which Playwright does not support, by WebDriver. Debian has no
// geckodriver, so Firefox is driven over its own socket (Marionette: the same commands in another envelope).

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { until } from "./until.mjs";

const PATIENCE_MS = 60_000;
/** The name under which an element is sent, by the WebDriver standard. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
/** The commands, as the standard names them and as Firefox does. */
const COMMANDS = {
  go: ["/url", "WebDriver:Navigate"],
  run: ["/execute/sync", "WebDriver:ExecuteScript"],
  click: ["/element/{id}/click", "WebDriver:ElementClick"],
  type: ["/element/{id}/value", "WebDriver:ElementSendKeys"],
  size: ["/window/rect", "WebDriver:SetWindowRect"],
};

const started = new Set();
process.on("exit", () => {
  for (const child of started) child.kill("SIGKILL");
});

function start(program, args, rest = {}) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"], ...rest });
  started.add(child);
  child.once("exit", () => started.delete(child));
  child.once("error", (error) => {
    throw new Error(`${program} does not start: ${error.message}`);
  });
  return child;
}

/** A `Window` is what one browser shows. */
class Window {
  #send;
  #children;

  constructor(send, children) {
    this.#send = send;
    this.#children = children;
  }

  go(url) {
    return this.#send("go", { url });
  }

  /** Runs this in the page, and returns its result. */
  run(what, ...args) {
    return this.#send("run", { script: `return (${what}).apply(null, arguments)`, args });
  }

  /**
   * Waits for the first visible element of this selector that has `text` as its text or accessible name, and
   * returns it.
   */
  find(selector, text = "") {
    return until(() => this.run(visible, selector, text), { patience: 15_000 }).catch((error) => {
      throw new Error(`no ${selector} "${text}"`, { cause: error });
    });
  }

  async click(selector, text) {
    const { [ELEMENT]: id } = await this.find(selector, text);
    return this.#send("click", { id });
  }

  async type(selector, text, keys) {
    const { [ELEMENT]: id } = await this.find(selector, text);
    return this.#send("type", { id, text: keys });
  }

  size(width, height) {
    return this.#send("size", { width, height });
  }

  async close() {
    for (const child of this.#children) {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
  }
}

/** Finds a visible element. It runs in the page. */
function visible(selector, text) {
  const said = (node) => `${node.getAttribute("aria-label") ?? ""} ${node.textContent}`.replace(/\s+/g, " ");
  return (
    [...document.querySelectorAll(selector)].find(
      (node) =>
        said(node).includes(text) &&
        node.getClientRects().length &&
        !node.disabled &&
        getComputedStyle(node).visibility === "visible",
    ) ?? null
  );
}

/** Starts Firefox. */
export async function firefox() {
  const profile = mkdtempSync(join(tmpdir(), "pollux-firefox-"));
  // Firefox fetches nothing from elsewhere, and listens on a free port.
  const settings = {
    "marionette.port": 0,
    "app.update.enabled": false,
    "datareporting.policy.dataSubmissionEnabled": false,
    "browser.shell.checkDefaultBrowser": false,
    "network.captive-portal-service.enabled": false,
    "services.settings.server": "",
    "network.connectivity-service.enabled": false,
    "browser.startup.homepage_override.mstone": "ignore",
  };
  writeFileSync(
    join(profile, "user.js"),
    Object.entries(settings)
      .map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`)
      .join("\n"),
  );
  const child = start("firefox-esr", ["--headless", "--marionette", "--no-remote", "--profile", profile], {
    env: { ...process.env, HOME: profile },
  });
  const port = await until(
    () =>
      existsSync(join(profile, "MarionetteActivePort")) &&
      Number(readFileSync(join(profile, "MarionetteActivePort"), "utf8")),
    { patience: PATIENCE_MS },
  );
  const ask = await marionette(port);
  await ask("WebDriver:NewSession", {});
  return new Window(
    async (name, body) => {
      const answer = await ask(COMMANDS[name][1], body);
      return answer && "value" in answer ? answer.value : answer;
    },
    [child],
  );
}

/**
 * Connects to Marionette. Messages are JSON, each behind its length: [0, number, command, body], and [1,
 * number, error, result] back.
 */
async function marionette(port) {
  const socket = connect(port, "127.0.0.1"),
    waiting = new Map();
  await once(socket, "connect");
  let rest = Buffer.alloc(0),
    number = 0;
  socket.on("data", (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const colon = rest.indexOf(":"),
        length = Number(rest.subarray(0, colon));
      if (colon < 0 || rest.length < colon + 1 + length) return;
      const message = JSON.parse(rest.subarray(colon + 1, colon + 1 + length));
      rest = rest.subarray(colon + 1 + length);
      if (!Array.isArray(message)) continue;
      const [, of, error, result] = message,
        { done, failed } = waiting.get(of);
      if (error) failed(new Error(`${error.error}: ${error.message}`));
      else done(result);
    }
  });
  return (name, body) =>
    new Promise((done, failed) => {
      waiting.set(++number, { done, failed });
      const message = JSON.stringify([0, number, name, body]);
      socket.write(`${Buffer.byteLength(message)}:${message}`);
    });
}

/** Starts WebKitGTK's MiniBrowser. */
export async function webkit() {
  const library = readdirSync("/usr/lib")
    .flatMap((folder) => ["4.1", "4.0", "6.0"].map((version) => `/usr/lib/${folder}/webkit2gtk-${version}/MiniBrowser`))
    .find(existsSync);
  if (!library)
    throw new Error("WebKitGTK's MiniBrowser is missing. On Debian: sudo apt-get install webkit2gtk-driver xvfb");
  // WebKitGTK cannot run without a screen, so there is one that nobody sees.
  const screen = start("Xvfb", ["-displayfd", "1", "-screen", "0", "1400x1000x24", "-nolisten", "tcp"]);
  const [display] = await once(createInterface({ input: screen.stdout }), "line", {
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const home = mkdtempSync(join(tmpdir(), "pollux-webkit-"));
  const port = 20_000 + (process.pid % 20_000);
  const driver = start("WebKitWebDriver", [`--port=${port}`, "--host=127.0.0.1"], {
    env: {
      ...process.env,
      DISPLAY: `:${display}`,
      HOME: home,
      GDK_BACKEND: "x11",
      LIBGL_ALWAYS_SOFTWARE: "1",
      WEBKIT_DISABLE_COMPOSITING_MODE: "1",
      XDG_RUNTIME_DIR: home,
    },
  });
  const ask = async (path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  };
  const wanted = {
    capabilities: { alwaysMatch: { "webkitgtk:browserOptions": { binary: library, args: ["--automation"] } } },
  };
  const { sessionId } = await until(() => ask("/session", wanted), { patience: PATIENCE_MS });
  return new Window(
    (name, body) => ask(`/session/${sessionId}${COMMANDS[name][0].replace("{id}", body.id)}`, body),
    [driver, screen],
  );
}
