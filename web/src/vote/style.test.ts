// Tests into which sheet a kind's style goes, and that kinds keep out of each other's way there.

import { readFileSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { FOLDERS } from "../kinds/folders";
import { addStyle } from "./style";

afterEach(() => vi.restoreAllMocks());

function sheet() {
  const rules: string[] = [];
  return { cssRules: rules, insertRule: (rule: string, at: number) => rules.splice(at, 0, rule) };
}

test("a style goes into the page's own sheet, though an extension has put one before it", () => {
  const [foreign, own] = [sheet(), sheet()];
  vi.spyOn(document, "styleSheets", "get").mockReturnValue([foreign, own] as unknown as StyleSheetList);
  const links = vi.spyOn(document, "querySelector").mockReturnValue({ sheet: own } as unknown as HTMLLinkElement);
  addStyle("@layer kind { }");
  expect([foreign.cssRules, own.cssRules]).toEqual([[], ["@layer kind { }"]]);
  expect(links).toHaveBeenCalledWith('link[rel="stylesheet"][href^="/"]');
});

test("a kind styles no class of another kind or of the page, because all may be on one page", () => {
  const classes = (...paths: string[]) =>
    new Set(
      paths.flatMap(
        (path) =>
          readFileSync(path, "utf8")
            .replaceAll(/\/\*.*?\*\//gs, "")
            .match(/(?<=\.)[a-z][\w-]*/g) ?? [],
      ),
    );
  // These are refined inside a kind's own elements, or say a state of those alone.
  const shared = ["button", "muted", "shown"];
  const sheets = [
    ["the page", classes("src/style/base.css", "src/vote/frame.css", "src/vote/paper.css")] as const,
    ...[...new Set(Object.values(FOLDERS))].map((kind) => [kind, classes(`src/kinds/${kind}/ballot.css`)] as const),
  ];
  for (const [owner, names] of sheets) expect(names.size, owner).toBeGreaterThan(8);
  const twice = sheets.flatMap(([owner, names], i) =>
    sheets
      .slice(0, i)
      .flatMap(([other, theirs]) =>
        [...names]
          .filter((name) => theirs.has(name) && !shared.includes(name))
          .map((name) => `.${name} of ${other} and ${owner}`),
      ),
  );
  expect(twice).toEqual([]);
});
