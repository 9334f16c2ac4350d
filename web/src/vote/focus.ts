// Where the focus of somebody goes whose place on the page is gone.

/** To where the new one begins, once it is there. */
export function focusHeading() {
  queueMicrotask(() =>
    requestAnimationFrame(() => {
      if (document.activeElement && document.activeElement !== document.body) return;
      document.querySelector<HTMLElement>("h1[tabindex]")?.focus({ preventScroll: true });
    }),
  );
}
