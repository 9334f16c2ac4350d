// Does many requests, some at once.

/** Requests under way at once. */
const AT_ONCE = 6;

/** Do it for each, some at once. */
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
