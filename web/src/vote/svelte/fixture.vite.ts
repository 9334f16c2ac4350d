// Builds lists and branches by themselves, with the modules that the voter's page has in a shorter form.

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";
import { shortened } from "../../../vite.config";

/** The plugin of the voter's page, for any build, which need not meet every module. */
const plugin: Plugin = { ...shortened(), applyToEnvironment: () => true, buildEnd: undefined };

export default defineConfig({
  plugins: [svelte(), plugin],
  build: { lib: { entry: "src/vote/svelte/fixture-rows.svelte.ts", formats: ["es"], fileName: "rows" }, minify: false },
});
