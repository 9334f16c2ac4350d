// Tests that the generated client is what the server's document says.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

test("the generated types are those of the document; else run `make client`", () => {
  const fresh = mkdtempSync(join(tmpdir(), "pollux-client-"));
  try {
    execFileSync("node_modules/.bin/openapi-ts", { env: { ...process.env, CLIENT_OUT: fresh }, stdio: "pipe" });
    const kept = "src/api/generated";
    expect(readdirSync(kept)).toEqual(readdirSync(fresh));
    for (const name of readdirSync(fresh)) {
      expect(readFileSync(join(kept, name), "utf8")).toBe(readFileSync(join(fresh, name), "utf8"));
    }
  } finally {
    rmSync(fresh, { recursive: true });
  }
}, 60_000);
