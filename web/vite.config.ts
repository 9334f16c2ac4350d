// Builds the pages into files with hashed names, each also compressed. The server's build script runs this
// and embeds the result; `npm run dev` serves the pages beside a running `pollux serve`.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";
import { pages, pageOf } from "./pages.ts";
import { FOLDERS } from "./src/kinds/folders.ts";

const POLLUX = process.env.POLLUX_URL ?? "http://127.0.0.1:5000";

/**
 * The voter's page, which is built by itself: a chunk that it shared with other pages would hold everything
 * that they need.
 */
const VOTER = "vote";
/** Returns the name of the script that a voter's page loads with a poll of a kind; null for other modules. */
function ballot(module: string | null | undefined): string | null {
  const kind = /\/src\/kinds\/(\w+)\/ballot\.ts$/.exec(module ?? "")?.[1];
  return kind ? `ballot-${kind}` : null;
}
const inputs = (names: readonly string[]) => Object.fromEntries(names.map((page) => [page, `${page}.html`]));

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), spared(), shortened(), kindPages(), addresses(), compressed()],
  environments: {
    client: { build: { rolldownOptions: { input: inputs(pages.filter((page) => page !== VOTER)) } } },
    voter: {
      consumer: "client",
      build: { emptyOutDir: false, rolldownOptions: { input: inputs([VOTER]) } },
    },
  },
  builder: {
    async buildApp(builder) {
      await builder.build(builder.environments.client!);
      await builder.build(builder.environments.voter!);
    },
  },
  build: {
    target: "es2022",
    outDir: process.env.WEB_OUT ?? "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: { chunkFileNames: ({ facadeModuleId }) => `assets/${ballot(facadeModuleId) ?? "shared"}-[hash].js` },
    },
  },
  server: {
    allowedHosts: ["classroom.test"],
    proxy: Object.fromEntries(
      ["/api", "/ws", "/docs", "/healthz", "/readyz", "/metrics"].map((path) => [
        path,
        { target: POLLUX, ws: path === "/ws" },
      ]),
    ),
  },
  resolve: mode === "test" ? { conditions: ["browser"] } : {},
  test: { environment: "happy-dom", include: ["src/**/*.test.ts"], restoreMocks: true },
}));

/**
 * Makes a voter's page for each kind of poll, `vote.<kind>.html`, which brings the kind's script along. The
 * server sends it wherever it knows the kind of the poll that is shown.
 */
function kindPages(): Plugin {
  return {
    name: "pollux-kind-pages",
    apply: "build",
    applyToEnvironment: ({ name }) => name === "voter",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const page = bundle[`${VOTER}.html`];
        if (page?.type !== "asset") throw new Error(`the build has not made ${VOTER}.html`);
        for (const [kind, folder] of Object.entries(FOLDERS)) {
          const script = Object.values(bundle).find(
            (file) => file.type === "chunk" && ballot(file.facadeModuleId) === `ballot-${folder}`,
          );
          if (!script) throw new Error(`src/kinds/${folder} has no ballot.ts of its own`);
          const link = `  <link rel="modulepreload" crossorigin href="/${script.fileName}">\n`;
          const source = String(page.source).replace("</head>", `${link}</head>`);
          this.emitFile({ type: "asset", fileName: `${VOTER}.${kind}.html`, source });
        }
      },
    },
  };
}

/** Serves the pages at the server's addresses in the development server. */
function addresses(): Plugin {
  return {
    name: "pollux-addresses",
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        const [path] = (request.url ?? "/").split("?");
        const page = pageOf(path!);
        if (page) request.url = `/${page}.html`;
        next();
      });
    },
  };
}

/**
 * What is changed in Svelte's modules so that the build leaves out what no page needs. For hydration: no server
 * renders a page of ours. The names of properties: they are looked up by nobody, but a list that is spread
 * cannot be left out. For an element's style as one text: no markup of ours has such a style.
 */
const SPARED: [module: string, from: RegExp, to: string][] = [
  ["internal/client/dom/hydration.js", /export let hydrating = false;/, "export const hydrating = false;"],
  ["internal/client/dom/hydration.js", /(function set_hydrating\(value\) \{)[^}]*\}/, "$1}"],
  [
    "utils.js",
    /(const DOM_PROPERTIES = )\[\s*\.\.\.DOM_BOOLEAN_ATTRIBUTES,([^\]]*)\];/,
    "$1/* @__PURE__ */ DOM_BOOLEAN_ATTRIBUTES.concat([$2]);",
  ],
  [
    "internal/shared/attributes.js",
    /if \(value\) \{\s*\/\/ strip comments[^]*?(?=if \(normal_styles\) \{\s*new_style)/,
    "",
  ],
];

/** Leaves out what no page needs of Svelte. */
function spared(): Plugin {
  return {
    name: "pollux-spared",
    apply: "build",
    transform: {
      filter: {
        id: /svelte\/src\/(internal\/client\/dom\/hydration|internal\/shared\/attributes|utils)\.js$|\.svelte$/,
      },
      handler(code, id) {
        // Components call this after each element, where nothing but hydration has anything to do.
        if (id.endsWith(".svelte")) return { code: code.replaceAll(/\$\.reset\(\w+\);/g, ""), map: null };
        for (const [module, from, to] of SPARED.filter(([module]) => id.endsWith(`svelte/src/${module}`))) {
          if (!from.test(code)) throw new Error(`this Svelte's ${module} has no ${from.source}`);
          code = code.replace(from, to);
        }
        return { code, map: null };
      },
    },
  };
}

/**
 * Modules that the voter's page has in a shorter form. What Vite has for preloading with each `import()`: what that
 * page loads on demand needs no other file, and no style sheet. Svelte's proxies: state on that page is a plain
 * value, or an object that is replaced as a whole. Its boundaries, and its expressions that wait: nothing on that page
 * waits inside a template or catches errors there. Its lists and its branches: for the same reason, and because none of
 * them comes or goes with a transition.
 */
const SHORTER: [module: RegExp, code: string][] = [
  [/^\0vite\/preload-helper\.js$/, "export const __vitePreload = (load) => load();"],
  [
    /svelte\/src\/internal\/client\/proxy\.js$/,
    "const self = (value) => value; export { self as proxy, self as get_proxied_value }; export const is = Object.is;",
  ],
  [
    /svelte\/src\/internal\/client\/dom\/blocks\/boundary\.js$/,
    `import { block, branch } from "../../reactivity/effects.js";
    import { EFFECT_PRESERVED, EFFECT_TRANSPARENT } from "#client/constants";
    export const boundary = (node, props, children) =>
      void block(() => void branch(() => children(node)), EFFECT_TRANSPARENT | EFFECT_PRESERVED);
    export const pending = () => 0;`,
  ],
  [
    /svelte\/src\/internal\/client\/reactivity\/async\.js$/,
    `import { derived } from "./deriveds.js";
    export const flatten = (waits, now, later, use) => use(now.map((read) => derived(read)));
    const nothing = () => {};
    export {
      nothing as capture, nothing as for_await_track_reactivity_loss, nothing as increment_pending, nothing as run,
      nothing as run_after_blockers, nothing as save, nothing as track_reactivity_loss, nothing as unsave,
      nothing as unset_context, nothing as wait,
    };`,
  ],
  [/svelte\/src\/internal\/client\/dom\/blocks\/each\.js$/, readFileSync("src/vote/svelte/each.js", "utf8")],
  [/svelte\/src\/internal\/client\/dom\/blocks\/branches\.js$/, readFileSync("src/vote/svelte/branches.js", "utf8")],
];

/** Gives the voter's page the shorter form of some modules, and throws where it meets none of that name. */
export function shortened() {
  const missing = new Map(SHORTER);
  return {
    name: "pollux-shortened",
    apply: "build",
    enforce: "pre",
    applyToEnvironment: ({ name }) => name === "voter",
    load: {
      filter: { id: SHORTER.map(([module]) => module) },
      handler(id: string) {
        const [module, code] = SHORTER.find(([module]) => module.test(id))!;
        missing.delete(module);
        return code;
      },
    },
    buildEnd(error?: Error) {
      const [module] = missing.keys();
      if (module && !error) throw new Error(`the voter's page has no module ${module.source}`);
    },
  } satisfies Plugin;
}

/** Writes gzip and Brotli forms beside each file of text, as small as they get. */
function compressed(): Plugin {
  const text = /\.(html|js|css|svg)$/;
  const files = (folder: string): string[] =>
    readdirSync(folder)
      .map((name) => join(folder, name))
      .flatMap((path) => (statSync(path).isDirectory() ? files(path) : [path]));
  return {
    name: "pollux-compressed",
    apply: "build",
    writeBundle({ dir }) {
      for (const file of files(dir!).filter((path) => text.test(path))) {
        const bytes = readFileSync(file);
        writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
        writeFileSync(
          `${file}.br`,
          brotliCompressSync(bytes, {
            params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
          }),
        );
      }
    },
  };
}
