// Keeps the `Idempotency-Key` of each creation. What is written under a name has one key through retries, a
// second press of the button and a reload, until it is created.

import { forget, recall, remember } from "../ui/storage";
import { uuidv7 } from "./uuid";

type Intention = { body: string; key: string };

const nameOf = (name: string) => `making.${name}`;
/** The keys of devices that remember nothing. */
const made = new Map<string, Intention>();

/** Returns the key for creating this; another one once the body is another. */
export function keyFor(name: string, body: unknown): string {
  const text = JSON.stringify(body);
  const before = made.get(name) ?? recall<Intention>(nameOf(name));
  const now = before?.body === text ? before : { body: text, key: uuidv7() };
  made.set(name, now);
  remember(nameOf(name), now);
  return now.key;
}

/** Forgets a creation that is made or given up. */
export function over(name: string) {
  made.delete(name);
  forget(nameOf(name));
}
