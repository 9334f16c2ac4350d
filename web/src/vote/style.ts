// Adds a style to those of the page.

/**
 * Adds a style that consists of one rule, such as a layer. It becomes a rule of a sheet that the page has
 * linked: every browser takes that from a script, and the content security policy allows it.
 */
export function addStyle(rule: string) {
  try {
    // Extensions of the browser put sheets of their own before ours, and replace them.
    const own = document.querySelector<HTMLLinkElement>('link[rel="stylesheet"][href^="/"]');
    const sheet = own?.sheet ?? document.styleSheets[0];
    sheet?.insertRule(rule, sheet.cssRules.length);
  } catch {
    // Without its style a ballot paper is plain, and works.
  }
}
