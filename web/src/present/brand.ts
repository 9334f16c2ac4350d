// Puts an event's colour on the page; stage.css makes it legible on either background.

/** Gives the page this colour, or takes it away. */
export function wear(accent: string | null | undefined) {
  const { documentElement: page } = document;
  if (accent) page.style.setProperty("--brand", accent);
  page.toggleAttribute("data-brand", !!accent);
}
