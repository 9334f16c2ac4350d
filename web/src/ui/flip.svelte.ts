// Lets rows glide when they change places. Their places are measured before the page changes, and each row
// then moves from its old place to its new one (FLIP). Nothing is animated where motion is not wanted.

import { prefersReducedMotion } from "svelte/motion";

const EASING = "cubic-bezier(.3, .9, .3, 1)";
/** How long rows glide on a screen that a hall watches, in milliseconds. */
const FOR_A_HALL = 600;

/** Animates the children of `list` that carry `data-key` whenever `order` gives something else. */
export function glides(list: () => HTMLElement | undefined, order: () => unknown, duration = FOR_A_HALL) {
  const glide = { duration, easing: EASING };
  let before = new Map<string, DOMRect>();
  let gliding: Animation[] = [];
  $effect.pre(() => {
    order();
    before = places(list());
  });
  $effect(() => {
    order();
    const box = list();
    if (!box || !before.size || prefersReducedMotion.current) return;
    // A row that glides already goes on from where it is seen, and not from where it would be.
    for (const one of gliding) one.cancel();
    gliding = [];
    for (const [key, now] of places(box)) {
      const row = box.querySelector<HTMLElement>(`:scope > [data-key="${key}"]`)!;
      const was = before.get(key);
      const x = (was?.left ?? now.left) - now.left,
        y = (was?.top ?? now.top) - now.top;
      if (!was) gliding.push(row.animate({ opacity: [0, 1] }, glide));
      else if (x || y) gliding.push(row.animate({ transform: [`translate(${x}px, ${y}px)`, "none"] }, glide));
    }
  });
}

function places(list: HTMLElement | undefined): Map<string, DOMRect> {
  const rows = [...(list?.children ?? [])].filter((row): row is HTMLElement => row instanceof HTMLElement);
  return new Map(rows.filter((row) => row.dataset.key).map((row) => [row.dataset.key!, row.getBoundingClientRect()]));
}
