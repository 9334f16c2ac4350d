// The `Idempotency-Key` of something that is made: one for what is written under a name, kept over retries, over a
// second press of the button and over a reload, until it is made.

import { forget, recall, remember } from "../ui/storage";
import { uuidv7 } from "./uuid";

type Intention = { body: string; key: string };

const nameOf = (name: string) => `making.${name}`;
/** For devices that remember nothing. */
const made = new Map<string, Intention>();

/** The key for making this; another one once anything else is written. */
export function keyFor(name: string, body: unknown): string {
  const text = JSON.stringify(body);
  const before = made.get(name) ?? recall<Intention>(nameOf(name));
  const now = before?.body === text ? before : { body: text, key: uuidv7() };
  made.set(name, now);
  remember(nameOf(name), now);
  return now.key;
}

/** It is made, or given up. */
export function over(name: string) {
  made.delete(name);
  forget(nameOf(name));
}
