// Keeps the tokens by which the server knows what this browser may do. It is the only module that does;
// accounts, should they come, belong here.
//
// Links carry a token in their fragment, which no server ever sees: `/studio#poll=…&token=…`,
// `/present/482913#token=…`. It is taken out of the address bar before anything else happens.

import { forget, recall, remember, remembered } from "../ui/storage";

/** A `Holding` is a poll or event of which this device holds a token. */
export type Holding = { kind: "poll" | "event"; id: string };

const key = (id: string) => `token.${id}`;
const kindOf = (id: string) => `kind.${id}`;
const OPERATOR = "operator";
/** Join codes are not listed, because what they lead to changes. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Takes out of the address bar what its fragment holds. */
export function arrive() {
  const found = new URLSearchParams(location.hash.slice(1));
  const token = found.get("token");
  if (token) history.replaceState(history.state, "", location.pathname + location.search);
  return { token, poll: found.get("poll"), event: found.get("event") };
}

/** What the fragment held when the page opened. */
export const arrived = arrive();

/** Returns the token of the first of these polls and events for which this browser has one. */
export const tokenOf = (...ids: (string | null | undefined)[]): string | null =>
  ids.map((id) => (id ? recall<string>(key(id)) : null)).find(Boolean) ?? null;

/** Keeps a token on this device. */
export function keepToken(id: string, token: string, kind: Holding["kind"] = "poll"): boolean {
  if (kind === "event") remember(kindOf(id), kind);
  return remember(key(id), token);
}

/** Forgets a token. */
export function dropToken(id: string) {
  forget(key(id));
  forget(kindOf(id));
}

/** Returns all polls and events of which this device holds a token. */
export const held = (): Holding[] =>
  remembered(key(""))
    .filter((id) => UUID.test(id))
    .map((id) => ({ kind: recall<Holding["kind"]>(kindOf(id)) ?? "poll", id }));

/** Returns the operator's token, which is kept until the browser closes. */
export const operatorToken = (): string | null => recall<string>(key(OPERATOR), sessionStorage);
export const keepOperatorToken = (token: string) => remember(key(OPERATOR), token, sessionStorage);
export const dropOperatorToken = () => forget(key(OPERATOR), sessionStorage);
