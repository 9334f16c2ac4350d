// Tells which page stands at which address; `crates/server/src/web/mod.rs` tells the server the same.

/** The pages; each is an HTML file of this folder. */
export const pages = ["vote", "present", "overlay", "leaderboard", "studio", "document"] as const;

export function pageOf(path: string): (typeof pages)[number] | undefined {
  if (path === "/" || /^\/(p|polls)\/[^/]+$/.test(path)) return "vote";
  if (/^\/present\/[^/]+$/.test(path)) return "present";
  if (/^\/(overlay|embed)\/[^/]+$/.test(path)) return "overlay";
  if (path === "/leaderboard") return "leaderboard";
  if (/^\/studio(\/|$)/.test(path)) return "studio";
  return undefined;
}
