// What this device remembers. Storage may be full, forbidden or cleared: then a page forgets, and works.

const PREFIX = "pollux.";

/** What is of this tab alone, where it outlives a reload. Reading the name throws where storage is forbidden. */
export const tab = (() => {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
})();

export function recall<T>(name: string, where?: Storage): T | null {
  try {
    const text = (where ?? localStorage).getItem(PREFIX + name);
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}

export function remember(name: string, value: unknown, where?: Storage): boolean {
  try {
    (where ?? localStorage).setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

export function forget(name: string, where?: Storage) {
  try {
    (where ?? localStorage).removeItem(PREFIX + name);
  } catch {
    // Nothing is remembered there anyway.
  }
}

/** What is remembered under names that begin so, without that beginning. */
export function remembered(beginning: string): string[] {
  try {
    return Object.keys(localStorage)
      .filter((name) => name.startsWith(PREFIX + beginning))
      .map((name) => name.slice((PREFIX + beginning).length));
  } catch {
    return [];
  }
}

/** The name that another tab has just changed, if it is one of ours. */
export const changedName = (event: StorageEvent): string | null =>
  event.key?.startsWith(PREFIX) ? event.key.slice(PREFIX.length) : null;
