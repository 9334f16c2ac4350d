// Copies text, even where a page came over plain HTTP and has no clipboard interface.

/** Copies a text; returns whether it was copied. */
export async function copy(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard && window.isSecureContext) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // The interface is not allowed here; the old way may be.
  }
  return select(text);
}

/**
 * Puts the text into a field, selects and copies it. The field is inside the open dialog, if there is one,
 * which would otherwise keep the focus.
 */
function select(text: string): boolean {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "hush";
  (document.querySelector("dialog:modal") ?? document.body).append(field);
  field.select();
  let done = false;
  try {
    done = document.execCommand("copy");
  } catch {
    // The text is then to be copied by hand.
  }
  field.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return done;
}
