// Describes what an answer must look like to be Pollux's. Portals, filters and proxies answer in a server's
// place, with any status and any body, so every member on which a screen relies is checked before the answer
// is believed.

/** The shape of a 204, which has no body to look at. */
export const NOTHING = "nothing";
/** The shape of a file to save, which is told by its name. */
export const FILE = "file";

/**
 * Whether `data` has everything that `sample` has, of the same type. In a sample, a pattern stands for a
 * string that matches it, null for any value that is there, a list's entry for each entry of the data's list,
 * and a function for its own judgement.
 */
export function like(sample: unknown, data: unknown): boolean {
  if (sample === null) return data !== undefined;
  if (typeof sample === "function") return sample(data);
  if (sample instanceof RegExp) return typeof data === "string" && sample.test(data);
  if (Array.isArray(sample)) return Array.isArray(data) && data.every((one) => sample.every((each) => like(each, one)));
  if (typeof sample !== "object") return typeof data === typeof sample;
  return (
    typeof data === "object" &&
    data !== null &&
    Object.entries(sample).every(([name, each]) => like(each, (data as Record<string, unknown>)[name]))
  );
}

/** A problem; its `type` is a path on the server that explains it. */
export const PROBLEM = { type: /^\/docs\/errors\/./, title: "", status: 0 };
const CHOICE = { options: [{ id: 0, text: "" }] };
/** What a poll of each kind has of its own. */
const KINDS: Record<string, object> = {
  single: CHOICE,
  multiple: CHOICE,
  rating: { steps: 0, lowest: 0, statements: [{ id: 0, text: "" }] },
  ranking: { ...CHOICE, places: 0 },
  points: { budget: 0, ...CHOICE },
  number: { min: 0, max: 0, step: 0, unit: "" },
  words: { maxWords: 0, approve: true },
};
const EVERY_POLL = { id: "", question: "", kind: "", status: /^(draft|open|closed)$/, round: 0, version: 0 };
export const POLL = (poll: unknown) => like(EVERY_POLL, poll) && isOfItsKind(poll as { kind: string });
const isOfItsKind = (poll: { kind: string }) => Object.hasOwn(KINDS, poll.kind) && like(KINDS[poll.kind], poll);
export const EVENT = { id: "", title: "", current: null, lone: true, version: 0, polls: [{ id: "" }] };
export const RECEIPT = { ballotId: "", status: /^(recorded|counted|replaced|superseded|refused|late)$/ };
export const LEADERBOARD = { version: 0, options: [{ pollId: "", votes: 0 }], polls: [{ pollId: "" }] };
/** A page of an organiser's words. */
export const WORD_LIST = {
  words: [{ id: "", votes: 0, state: /^(shown|waiting|hidden|erased)$/ }],
  waiting: 0,
  shown: 0,
  hidden: 0,
  erased: 0,
  nextCursor: null,
  version: 0,
};
