// @vitest-environment node
// Tests that the build stops where a module that the voter's page has in a shorter form is not met any more.

import { expect, test } from "vitest";
import { shortened } from "../../vite.config";

const MODULES = [
  "\0vite/preload-helper.js",
  "/node_modules/svelte/src/internal/client/proxy.js",
  "/node_modules/svelte/src/internal/client/dom/blocks/boundary.js",
  "/node_modules/svelte/src/internal/client/reactivity/async.js",
  "/node_modules/svelte/src/internal/client/dom/blocks/each.js",
  "/node_modules/svelte/src/internal/client/dom/blocks/branches.js",
];

test("a build that has met every module goes on, and one that has missed one says which", () => {
  const { load, buildEnd } = shortened();
  for (const id of MODULES) {
    expect(() => buildEnd()).toThrow("the voter's page has no module");
    expect(load.handler(id)).toContain("export");
  }
  expect(() => buildEnd()).not.toThrow();
});

test("a build that has failed says why, and nothing of modules", () => {
  expect(() => shortened().buildEnd(new Error("no such file"))).not.toThrow();
});
