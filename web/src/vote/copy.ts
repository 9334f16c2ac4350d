// To the clipboard. The one made for it wants HTTPS; a classroom has none, so the old way stands by.

/** Whether the text of this element was copied; if not it is selected, for the browser's own menu. */
export async function copy(element: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(element.innerText);
    return true;
  } catch {
    getSelection()?.selectAllChildren(element);
    return document.execCommand("copy");
  }
}
