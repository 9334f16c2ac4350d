// Computes how the room's ratings stand over the steps of the ballot paper.

/** Returns how high the column of each step reaches; that of the most frequent step reaches the top. */
export function columns(spread: number[] | null): number[] {
  const most = Math.max(1, ...(spread ?? []));
  return (spread ?? []).map((count) => count / most);
}
