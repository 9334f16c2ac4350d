// Keeps what this device remembers. Storage may be full, forbidden or cleared: then a page forgets, and
// works.

const PREFIX = "pollux.";

/** This tab's own storage, which outlives a reload. Reading the name throws where storage is forbidden. */
export const tab = (() => {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
})();

/** Returns what is remembered under a name; null if nothing is. */
export function recall<T>(name: string, where?: Storage): T | null {
  try {
    const text = (where ?? localStorage).getItem(PREFIX + name);
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}

/** Remembers a value under a name; returns whether that was possible. */
export function remember(name: string, value: unknown, where?: Storage): boolean {
  try {
    (where ?? localStorage).setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** Forgets what is remembered under a name. */
export function forget(name: string, where?: Storage) {
  try {
    (where ?? localStorage).removeItem(PREFIX + name);
  } catch {
    // Nothing is remembered there anyway.
  }
}

/** Returns what is remembered under names with this beginning, without the beginning. */
export function remembered(beginning: string): string[] {
  try {
    return Object.keys(localStorage)
      .filter((name) => name.startsWith(PREFIX + beginning))
      .map((name) => name.slice((PREFIX + beginning).length));
  } catch {
    return [];
  }
}

/** Returns the name that another tab has just changed, if it is one of ours. */
export const changedName = (event: StorageEvent): string | null =>
  event.key?.startsWith(PREFIX) ? event.key.slice(PREFIX.length) : null;
