// Reads the page's address.

/** Returns a part of a path decoded, or as it stands where it cannot be decoded. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
