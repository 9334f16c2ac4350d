// Runs the tests within a deadline, and makes sure that nothing they started outlives them: every process
// that they start has this run's scratch folder in its environment or arguments.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const DEADLINE_MS = 1_800_000;
/** Tests mostly wait, so three files run at once; a cluster beside them leaves room for one. */
const AT_ONCE = process.env.E2E_DATABASES ? 1 : 3;
/** What a frame costs is measured with nothing beside it. */
const ALONE = /frames\.test\.mjs$/;
/** How long a browser's processes may take to follow it, in milliseconds. */
const GRACE_MS = 5_000;

const scratch = mkdtempSync(join(tmpdir(), "pollux-e2e-"));
const flaky = [];
const asked = process.argv.slice(2);
const all = () => readdirSync("e2e").filter((name) => name.endsWith(".test.mjs"));
const files = asked.length ? asked : all().map((name) => `e2e/${name}`);
const alone = files.filter((file) => ALONE.test(file));
const together = files.filter((file) => !ALONE.test(file));

let tests = null;
const end = () => {
  try {
    process.kill(-tests.pid, "SIGTERM");
  } catch {
    /* All have ended. */
  }
};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, end);
const late = setTimeout(() => {
  console.error(`not through after ${DEADLINE_MS / 1000} s`);
  end();
}, DEADLINE_MS);
const passed = [await pass(alone, 1), await pass(together, AT_ONCE)].every(Boolean);
clearTimeout(late);

let left = leftovers();
for (let waited = 0; left.length && waited < GRACE_MS; waited += 100) {
  await pause(100);
  left = leftovers();
}
rmSync(scratch, { recursive: true, force: true });
console.log(`${flaky.length} flaky`);
for (const line of flaky) console.log(line);
for (const process of left) console.error(`still running: ${process}`);
process.exitCode = passed && !left.length ? 0 : 1;

/** Runs these files, so many at once, and returns whether all tests pass. */
async function pass(files, atOnce) {
  if (!files.length) return true;
  tests = spawn(
    process.execPath,
    ["--test", "--test-reporter=spec", `--test-concurrency=${atOnce}`, ...files],
    // The tests have a process group of their own, so that one signal ends node's runner and every file it
    // runs.
    { env: { ...process.env, TMPDIR: scratch }, stdio: ["ignore", "pipe", "inherit"], detached: true },
  );
  createInterface({ input: tests.stdout }).on("line", (line) => {
    console.log(line);
    // harness.mjs prints this line for a test that passed at its second try.
    if (line.startsWith("FLAKY: ")) flaky.push(line);
  });
  const [code] = await once(tests, "close");
  return code === 0;
}

/** Returns the processes that know the scratch folder. Only Linux shows them. */
function leftovers() {
  if (!existsSync("/proc/self/environ")) return [];
  const read = (pid, name) => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, "utf8").replaceAll("\0", " ");
    } catch {
      return "";
    }
  };
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .filter((pid) => (read(pid, "cmdline") + read(pid, "environ")).includes(scratch))
    .map((pid) => `${pid} ${read(pid, "cmdline")}`);
}
