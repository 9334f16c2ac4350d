// Places the focus of somebody whose place on the page is gone.

/** Moves the focus to where the new page begins, once it is there. */
export function focusHeading() {
  queueMicrotask(() =>
    requestAnimationFrame(() => {
      if (document.activeElement && document.activeElement !== document.body) return;
      document.querySelector<HTMLElement>("h1[tabindex]")?.focus({ preventScroll: true });
    }),
  );
}
