// Configures ESLint for the screens. Prettier lays the code out and `svelte-check` checks its types; ESLint
// looks for likely faults, and holds the directions of imports that CONTRIBUTING.md promises.
import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import { defineConfig, globalIgnores } from "eslint/config";
import globals from "globals";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

const SCREENS = ["vote", "present", "studio"];

/**
 * Returns rules by which code in the folder `from` of `src` imports nothing from the folders `never`;
 * `src/boundaries.test.ts` looks closer.
 */
const apart = (from, never) => ({
  files: [`src/${from}/**`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            regex: `^(\\.\\./)+(${never.join("|")})(/|$)`,
            message: "No screen imports another, and what they share imports none of them (see CONTRIBUTING.md).",
          },
        ],
      },
    ],
  },
});

export default defineConfig(
  globalIgnores(["dist/", "src/api/generated/"]),
  js.configs.recommended,
  ts.configs.recommended,
  svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      // The page's policy forbids every way from a string to HTML.
      "svelte/no-at-html-tags": "error",
      // `const { secret, ...rest } = all` leaves something out on purpose, and `_` names what is not needed.
      "@typescript-eslint/no-unused-vars": [
        "error",
        { ignoreRestSiblings: true, argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
      // Maps, sets and dates here are either replaced as a whole (`$state.raw`) or not reactive on purpose.
      // Svelte's reactive ones would add to a voter's page, and an effect that writes to one would run itself
      // again.
      "svelte/prefer-svelte-reactivity": "off",
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
  },
  {
    // These rules need types. In components they would take half a minute more, so only modules are checked.
    files: ["src/**/*.ts"],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/no-floating-promises": "error",
      // A timer or a handler may call an asynchronous function.
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: false }],
    },
  },
  {
    // A test renders components with any properties, and makes answers that no server would give.
    files: ["**/*.test.ts", "**/*fixture*.ts"],
    rules: { "@typescript-eslint/no-explicit-any": "off" },
  },
  SCREENS.map((screen) =>
    apart(
      screen,
      SCREENS.filter((other) => other !== screen),
    ),
  ),
  ["api", "live", "ui"].map((shared) => apart(shared, [...SCREENS, "kinds"])),
);
