// Does many requests, a few at once.

/** The most requests that are under way at once. */
const AT_ONCE = 6;

/** Does this for each of them, a few at once. */
export async function each<T>(all: readonly T[], work: (one: T) => Promise<unknown>) {
  const left = [...all];
  const next = async (): Promise<void> => {
    const one = left.shift();
    if (one === undefined) return;
    await work(one);
    return next();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}
