// The voter's page is small: HTML, style, every script it loads and one language, gzipped.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const MOST = 30 * 1024;

test("the voter's page weighs at most 30 KiB, in its heaviest language", () => {
  const built = mkdtempSync(join(tmpdir(), "pollux-weight-"));
  try {
    execFileSync("node_modules/.bin/vite", ["build", "--outDir", built], {
      stdio: "pipe", env: { ...process.env, NODE_ENV: "production" },
    });
    const weigh = (name: string) => statSync(join(built, `${name}.gz`)).size;
    const read = (name: string) => readFileSync(join(built, name), "utf8");
    const html = read("vote.html");
    const linked = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, path]) => path!);
    const scripts = linked.filter((path) => path.endsWith(".js"));
    expect(scripts, "the page is one script").toHaveLength(1);
    // What it loads on demand are the languages, and nothing else.
    const languages = [...read(scripts[0]!).matchAll(/import\(`\.\/([^`]+)`\)|import\("\.\/([^"]+)"\)/g)].map((found) => `assets/${found[1] ?? found[2]}`);
    expect(languages).toHaveLength(readdirSync("src/vote/lang").length);
    const heaviest = Math.max(...languages.map(weigh));
    const total = weigh("vote.html") + linked.map(weigh).reduce((a, b) => a + b) + heaviest;
    console.info(`the voter's page: ${total} bytes of ${MOST}`);
    expect(total).toBeLessThanOrEqual(MOST);
  } finally {
    rmSync(built, { recursive: true });
  }
}, 60_000);
