// Keeps the focus in a row that changes places. Such a row is taken out of the page and put back elsewhere,
// and a browser takes the focus from what is taken out, even in the middle of a word.

/**
 * Keeps the focus within `list` whenever `order` gives something else. Where the focused element is gone, the
 * list itself has the focus.
 */
export function keepsFocus(list: () => HTMLElement | undefined, order: () => unknown) {
  let held: Element | null = null;
  $effect.pre(() => {
    order();
    const { activeElement } = document;
    held = activeElement && list()?.contains(activeElement) ? activeElement : null;
  });
  $effect(() => {
    order();
    if (!held || document.activeElement === held) return;
    const place = held.isConnected ? held : list();
    if (place instanceof HTMLElement) place.focus({ preventScroll: true });
  });
}
