// One request of the API, typed by the server's own document (`generated/`).
//
// An answer is never thrown: whoever asks is told what the server said, or that it said nothing. Status 0
// means that no answer came, so nobody knows what happened.

import type { Problem as ProblemDocument } from "./generated";
import { heard } from "./clock";

export type Problem = Pick<ProblemDocument, "title"> & Partial<ProblemDocument>;

export type Answer<T> =
  | { ok: true; status: number; data: T }
  | { ok: false; status: number; problem: Problem; retryAfter: number };

/** What the generated types say of one operation. */
type Operation = { url: string; path?: unknown; query?: unknown; body?: unknown };
/** Its request: path, query and body as the document has them, and what is the same everywhere. */
export type Ask<O extends Operation> = Omit<O, "url" | "headers"> & {
  /** The owner's, a stage's or the operator's. */
  token?: string | null;
  headers?: Record<string, string>;
  /** Milliseconds to wait for the answer. */
  patience?: number;
  /** Whether it is sent even when the page is closed meanwhile. */
  outlives?: boolean;
  /** Whether the answer is a file to save, not JSON. */
  file?: boolean;
};

const PATIENCE = 10_000;

/** A function that does this operation. */
export function operation<O extends Operation, T>(method: string, template: O["url"]) {
  return (ask: Ask<O>): Promise<Answer<T>> => {
    const { path, query, body } = ask as { path?: Record<string, string>; query?: object; body?: unknown };
    const filled = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(path![name]!));
    return request<T>(method, filled + search(query), body, ask);
  };
}

function search(query: object | undefined): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).filter((one) => one != null).map((one) => [name, `${one}`]));
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

async function request<T>(
  method: string, path: string, body: unknown,
  { token, headers, patience = PATIENCE, outlives = false, file = false }: Omit<Ask<Operation>, "path" | "query" | "body">,
): Promise<Answer<T>> {
  // AbortSignal.timeout is missing on phones of 2021.
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), patience);
  try {
    const answer = await fetch(path, {
      method, signal: abort.signal, keepalive: outlives, cache: "no-store", credentials: "same-origin",
      headers: {
        Accept: file ? "*/*" : "application/json",
        ...(body !== undefined ? { "Content-Type": body instanceof Blob ? body.type : "application/json" } : {}),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      ...(body !== undefined ? { body: body instanceof Blob ? body : JSON.stringify(body) } : {}),
    });
    heard(answer.headers.get("Date"));
    const data = await (file && answer.ok ? answer.blob() : answer.json().catch(() => null));
    if (answer.ok) return { ok: true, status: answer.status, data };
    return {
      ok: false, status: answer.status,
      problem: data ?? { title: `The server answered ${answer.status}` },
      retryAfter: Number(answer.headers.get("Retry-After")) * 1000 || 0,
    };
  } catch {
    return { ok: false, status: 0, problem: { title: "No connection" }, retryAfter: 0 };
  } finally {
    clearTimeout(timer);
  }
}

/** A problem as a sentence, with the fields it names. */
export function explain(problem: Problem): string {
  const fields = (problem.errors ?? []).map((error) => error.detail).filter(Boolean);
  const words = fields.join("; ") || problem.detail || problem.title || "something went wrong";
  return words[0]!.toUpperCase() + words.slice(1);
}

/** Whether sending the same again cannot help. */
export const hopeless = (status: number) => status >= 400 && status < 500 && status !== 408 && status !== 429;
