// Generates the types of the API from the server's own document, the snapshot that its tests keep. `npm run
// client` writes them anew; a test fails when they are stale.
import { readFileSync } from "node:fs";
import { defineConfig } from "@hey-api/openapi-ts";

const SNAPSHOT = new URL("../crates/server/tests/snapshots/api__openapi.snap", import.meta.url);

/** The document stands below the snapshot's header. */
const [, , document] = readFileSync(SNAPSHOT, "utf8").split(/^---$/m);

export default defineConfig({
  input: JSON.parse(document!),
  output: { path: process.env.CLIENT_OUT ?? "src/api/generated" },
  plugins: ["@hey-api/typescript"],
});
