// Sends one request of the API, typed by the server's own document (`generated/`).
//
// An answer is never thrown: the caller is told what Pollux said, or that it said nothing. Only one of
// Pollux's own problem documents, or a body of the operation's shape, counts as its answer. Everything else
// becomes status 0, as if no answer had come: nobody knows what happened.

import type { Problem as ProblemDocument } from "./generated";
import { heard } from "./clock";
import { FILE, like, NOTHING, PROBLEM } from "./shapes";

/** A `Problem` is what the server answers when it refuses; of one that is made here only the title is certain. */
export type Problem = Pick<ProblemDocument, "title"> & Partial<ProblemDocument>;

/**
 * A `Refusal` is what a request came to when it was not done; with status 0 nothing of Pollux has answered.
 * `retryAfter` is in milliseconds.
 */
export type Refusal = { ok: false; status: number; problem: Problem; retryAfter: number };
/** An `Answer` is what a request came to: the data, or why there is none. */
export type Answer<T> = { ok: true; status: number; data: T } | Refusal;

/** `Operation` is what the generated types say of one operation. */
export type Operation = { url: string; path?: unknown; query?: unknown; body?: unknown };
/**
 * `Ask` is the request of an operation: path, query and body as the document has them, and what is the same for
 * every operation.
 */
export type Ask<O extends Operation> = Omit<O, "url" | "headers"> & {
  /** The owner's, a stage's or the operator's token. */
  token?: string | null;
  headers?: Record<string, string>;
  /** The milliseconds to wait for the answer. */
  patience?: number;
  /** Whether the request is sent even when the page is closed meanwhile. */
  outlives?: boolean;
};

const PATIENCE = 10_000;
/** The longest pause that an answer may ask for, because it may be a proxy that asks. */
const LONGEST_PAUSE = 60_000;
/** The title of the problem that stands for an answer that is not Pollux's. */
export const SILENT = "The server does not answer";

/** The answer when Pollux has said nothing. */
export const UNKNOWN: Refusal = { ok: false, status: 0, problem: { title: SILENT }, retryAfter: 0 };

/** Returns a function that does this operation, whose answer is like `shape`. */
export function operation<O extends Operation, T>(method: string, template: O["url"], shape: unknown) {
  return (ask: Ask<O>): Promise<Answer<T>> => {
    const { path, query, body } = ask as { path?: Record<string, string>; query?: object; body?: unknown };
    const filled = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(path![name]!));
    return request<T>(method, filled + search(query), body, shape, ask);
  };
}

function search(query: object | undefined): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).filter((one) => one != null).map((one) => [name, `${one}`]),
  );
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

async function request<T>(
  method: string,
  path: string,
  body: unknown,
  shape: unknown,
  { token, headers, patience = PATIENCE, outlives = false }: Omit<Ask<Operation>, "path" | "query" | "body">,
): Promise<Answer<T>> {
  // AbortSignal.timeout is missing on phones of 2021.
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), patience);
  try {
    const answer = await fetch(path, {
      method,
      signal: abort.signal,
      keepalive: outlives,
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
      headers: {
        Accept: shape === FILE ? "*/*" : "application/json",
        ...(body !== undefined ? { "Content-Type": body instanceof Blob ? body.type : "application/json" } : {}),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      ...(body !== undefined ? { body: body instanceof Blob ? body : JSON.stringify(body) } : {}),
    });
    const { ok, status } = answer;
    const retryAfter = Math.min(LONGEST_PAUSE, Math.max(0, Number(answer.headers.get("Retry-After")) * 1000 || 0));
    const said = await word(answer, ok ? shape : PROBLEM).catch(() => undefined);
    if (said === undefined) return { ...UNKNOWN, retryAfter };
    // Only an answer of Pollux tells the server's time: whoever answers in its place has a clock of its own.
    heard(answer.headers.get("Date"));
    return ok ? { ok, status, data: said as T } : { ok, status, problem: said as Problem, retryAfter };
  } catch {
    return UNKNOWN;
  } finally {
    clearTimeout(timer);
  }
}

/** Reads what Pollux says with an answer; undefined if the answer is not Pollux's. */
async function word(answer: Response, shape: unknown): Promise<unknown> {
  const { ok, status, headers } = answer;
  const kind = headers.get("Content-Type") ?? "";
  if (shape === NOTHING) return status === 204 ? null : undefined;
  if (shape === FILE) {
    return /^attachment; filename="pollux-/.test(headers.get("Content-Disposition") ?? "") ? answer.blob() : undefined;
  }
  if (!kind.startsWith(ok ? "application/json" : "application/problem+json")) return undefined;
  const data = await answer.json();
  return like(shape, data) && (ok || data.status === status) ? data : undefined;
}

/** Returns a problem as a sentence, with the fields that it names. */
export function explain(problem: Problem): string {
  const fields = (problem.errors ?? []).map((error) => error.detail).filter(Boolean);
  const words = fields.join("; ") || problem.detail || problem.title || "something went wrong";
  return words[0]!.toUpperCase() + words.slice(1);
}

/** Whether sending the same again cannot help. */
export const hopeless = (status: number) => status >= 400 && status < 500 && status !== 408 && status !== 429;
