// Adds a style to those of the page.

/**
 * Adds a style that consists of one rule, such as a layer. It becomes a rule of a sheet that the page has
 * linked: every browser takes that from a script, and the content security policy allows it.
 */
export function addStyle(rule: string) {
  try {
    const [sheet] = document.styleSheets;
    sheet?.insertRule(rule, sheet.cssRules.length);
  } catch {
    // Without its style a ballot paper is plain, and works.
  }
}
