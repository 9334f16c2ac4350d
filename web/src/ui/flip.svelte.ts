// Lets rows glide when they change places. Their places are measured before the page changes, and each row
// then moves from its old place to its new one (FLIP). Nothing is animated where motion is not wanted.

const EASING = "cubic-bezier(.3, .9, .3, 1)";
/** How long rows glide on a screen that a hall watches, in milliseconds. */
const FOR_A_HALL = 600;

/** Animates the children of `list` that carry `data-key` whenever `order` gives something else. */
export function glides(list: () => HTMLElement | undefined, order: () => unknown, duration = FOR_A_HALL) {
  const glide = { duration, easing: EASING };
  let before = new Map<string | undefined, DOMRect>();
  let gliding: Animation[] = [];
  $effect.pre(() => {
    order();
    before = new Map(rowsOf(list()).map((row) => [row.dataset.key, row.getBoundingClientRect()]));
  });
  $effect(() => {
    order();
    const box = list();
    if (!box || !before.size || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    // A row that glides already goes on from where it is seen, and not from where it would be.
    for (const one of gliding) one.cancel();
    gliding = [];
    for (const row of rowsOf(box)) {
      const was = before.get(row.dataset.key),
        now = row.getBoundingClientRect();
      const x = (was ?? now).left - now.left,
        y = (was ?? now).top - now.top;
      if (!was) gliding.push(row.animate({ opacity: [0, 1] }, glide));
      else if (x || y) gliding.push(row.animate({ transform: [`translate(${x}px, ${y}px)`, "none"] }, glide));
    }
  });
}

const rowsOf = (list: HTMLElement | undefined) => [
  ...(list?.querySelectorAll<HTMLElement>(":scope > [data-key]") ?? []),
];
