// Tests into which sheet a kind's style goes.

import { afterEach, expect, test, vi } from "vitest";
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
