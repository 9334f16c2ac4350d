// Copies to the clipboard. The clipboard interface needs HTTPS, which a classroom has not, so the old way
// stands by.

/**
 * Copies the text of this element, and returns whether it was copied. If not, the text is selected, for the
 * browser's own menu.
 */
export async function copy(element: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(element.innerText);
    return true;
  } catch {
    getSelection()?.selectAllChildren(element);
    return document.execCommand("copy");
  }
}
