// The HTTP side of the contract: requests, problem documents, ids, the owner's token.

import { recall, remember } from "./dom.js";

/** How far the server's clock is ahead of this phone's, in milliseconds. */
let ahead = 0;

/**
 * One request. Resolves to {status, data, problem, retryAfter}; status 0 means that no answer
 * came, so nobody knows what happened.
 */
export async function call(method, path, { body, token, headers = {}, timeout = 10_000 } = {}) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeout);
  try {
    const answer = await fetch(path, {
      method, signal: abort.signal, cache: "no-store", credentials: "same-origin",
      headers: {
        Accept: "application/json",
        ...(body ? { "Content-Type": "application/json" } : {}),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      body: body ? JSON.stringify(body) : undefined,
    });
    const date = Date.parse(answer.headers.get("Date") ?? "");
    if (date) ahead = date - Date.now();
    const data = await answer.json().catch(() => null);
    return {
      status: answer.status,
      data: answer.ok ? data : null,
      problem: answer.ok ? null : data ?? { title: `The server answered ${answer.status}` },
      retryAfter: Number(answer.headers.get("Retry-After")) * 1000 || 0,
    };
  } catch {
    return { status: 0, data: null, problem: { title: "No connection" }, retryAfter: 0 };
  } finally {
    clearTimeout(timer);
  }
}

/** A problem as a sentence, with the fields it names. */
export function explain(problem) {
  const fields = (problem?.errors ?? []).map((e) => e.detail).filter(Boolean);
  const words = fields.join("; ") || problem?.detail || problem?.title || "something went wrong";
  return words[0].toUpperCase() + words.slice(1);
}

/**
 * A UUIDv7 later than `after`. It carries the server's time when this phone's clock is clearly
 * wrong: of one voter's ballots the greatest id wins, and ids from the future are refused.
 */
export function uuidv7(after = "") {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const clock = Date.now() + (Math.abs(ahead) > 20_000 ? ahead : 0);
  const time = Math.max(clock, (parseInt(after.replaceAll("-", "").slice(0, 12), 16) || 0) + 1);
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(time / 2 ** (40 - 8 * i)) % 256;
  bytes[6] = 0x70 | (bytes[6] & 15);
  bytes[8] = 0x80 | (bytes[8] & 63);
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/**
 * The owner's token: from /studio#poll=…&token=… out of the address bar at once, into this
 * browser's storage.
 */
let fromFragment = (() => {
  const found = new URLSearchParams(location.hash.slice(1));
  const token = found.get("token"), poll = found.get("poll");
  if (!token) return null;
  history.replaceState(null, "", poll && location.pathname === "/studio"
    ? `/polls/${encodeURIComponent(poll)}` : location.pathname + location.search);
  return token;
})();

export function ownerToken(pollId) {
  if (fromFragment) {
    remember(`owner.${pollId}`, fromFragment);
    fromFragment = null;
  }
  return recall(`owner.${pollId}`);
}

/** Whether only this machine can open an address. */
export const loopback = (url) => /^(localhost|127\.|\[::1\])/.test(new URL(url).hostname);

/** An address of this server as others can open it: a loopback's is no better than our own. */
export function reachable(url) {
  return loopback(url) ? location.origin + url.slice(new URL(url).origin.length) : url;
}

/** The poll a path such as /p/482913 names, trying until the server has answered. */
export async function openPoll(say) {
  const key = decodeURIComponent(location.pathname.split("/").pop());
  for (let tries = 0; ; tries++) {
    const token = fromFragment ?? recall(`owner.${key}`);
    const answer = await call("GET", `/api/polls/${encodeURIComponent(key)}`, { token });
    if (answer.data) return answer.data;
    const gone = hopeless(answer.status);
    say(gone ? explain(answer.problem) : "No connection yet. Trying again…", gone);
    if (gone) return null;
    await new Promise((done) => setTimeout(done, Math.max(answer.retryAfter, backOff(tries))));
  }
}

/** Whether sending the same again cannot help. */
export const hopeless = (status) => status >= 400 && status < 500 && status !== 408 && status !== 429;

/** Full jitter: anywhere from nothing to 500 ms, 1 s, 2 s, … 20 s. */
export const backOff = (tries) => Math.random() * Math.min(20_000, 500 * 2 ** Math.min(tries, 10));
