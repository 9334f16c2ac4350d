// What stands in the page's address.

/** A part of a path, decoded; as it stands where it cannot be. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
