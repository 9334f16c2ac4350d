// Handles single keys, for people who work in the studio a lot. They do nothing while a field has the focus
// or a dialog is open.

/** `Presses` is what each key does. */
export type Presses = Record<string, () => void>;

/** Listens to keys until it is closed. */
export class Keys {
  #closed = new AbortController();

  constructor(presses: Presses) {
    addEventListener(
      "keydown",
      (event) => {
        if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
        const press = presses[event.key.length === 1 ? event.key.toLowerCase() : event.key];
        if (!press) return;
        event.preventDefault();
        press();
      },
      { signal: this.#closed.signal },
    );
  }

  close() {
    this.#closed.abort();
  }
}

function isTyping(target: EventTarget | null): boolean {
  if (document.querySelector("dialog[open]")) return true;
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}
