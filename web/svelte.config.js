// Configures how Svelte compiles. No text ever becomes HTML, so templates are built node by node (`fragments:
// tree`), and the page's policy may forbid every way from a string to HTML.
/** @type {import("@sveltejs/vite-plugin-svelte").SvelteConfig} */
export default {
  compilerOptions: { runes: true, fragments: "tree", discloseVersion: false },
  onwarn: (warning) => {
    throw new Error(`${warning.filename}: ${warning.message}`);
  },
};
