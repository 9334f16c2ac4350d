// Makes ballot ids: UUIDv7, without any interface that needs HTTPS.

import { now } from "./clock";

/** Returns when this UUIDv7 was made, by its maker's clock, in milliseconds; 0 for "". */
export const madeAt = (id: string): number => parseInt(id.replaceAll("-", "").slice(0, 12), 16) || 0;

/**
 * Returns a UUIDv7 later than `after`, by the server's clock: of one voter's ballots the greatest id wins,
 * and ids from the future are refused.
 */
export function uuidv7(after = ""): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const time = Math.max(now(), madeAt(after) + 1);
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(time / 2 ** (40 - 8 * i)) % 256;
  bytes[6] = 0x70 | (bytes[6]! & 15);
  bytes[8] = 0x80 | (bytes[8]! & 63);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
