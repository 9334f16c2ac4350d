// A row that changes places is taken out of the page and put back elsewhere, and a browser takes the focus from what it
// takes out. Who was there stays there, in the middle of a word too.

/** Keep the focus within `list` whenever `order` gives something else. Where what had it is gone, the list itself has it. */
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
