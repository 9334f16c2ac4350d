// Lets rows glide when they change places. Their places are measured before the page changes, and each row
// then moves from its old place to its new one (FLIP). Nothing is animated where motion is not wanted.

import { prefersReducedMotion } from "svelte/motion";

const GLIDE = { duration: 600, easing: "cubic-bezier(.3, .9, .3, 1)" };

/** Animates the children of `list` that carry `data-key` whenever `order` gives another list. */
export function glides(list: () => HTMLElement | undefined, order: () => unknown) {
  let before = new Map<string, DOMRect>();
  $effect.pre(() => {
    order();
    before = places(list());
  });
  $effect(() => {
    order();
    const box = list();
    if (!box || !before.size || prefersReducedMotion.current) return;
    for (const [key, now] of places(box)) {
      const row = box.querySelector<HTMLElement>(`:scope > [data-key="${key}"]`)!;
      const was = before.get(key);
      const x = (was?.left ?? now.left) - now.left,
        y = (was?.top ?? now.top) - now.top;
      if (!was) row.animate({ opacity: [0, 1] }, GLIDE);
      else if (x || y) row.animate({ transform: [`translate(${x}px, ${y}px)`, "none"] }, GLIDE);
    }
  });
}

function places(list: HTMLElement | undefined): Map<string, DOMRect> {
  const rows = [...(list?.children ?? [])].filter((row): row is HTMLElement => row instanceof HTMLElement);
  return new Map(rows.filter((row) => row.dataset.key).map((row) => [row.dataset.key!, row.getBoundingClientRect()]));
}
