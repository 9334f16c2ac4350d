// Who somebody is to the server: the tokens this browser holds. The only module that keeps them; when
// accounts come, this is where they come in.
//
// Links carry a token in their fragment, which no server ever sees: `/studio#poll=…&token=…`,
// `/present/482913#token=…`. It is taken out of the address bar before anything else happens.

import { forget, recall, remember } from "../ui/storage";

export type Holding = { kind: "poll" | "event"; id: string };

const key = (id: string) => `token.${id}`;
const OPERATOR = "operator";

/** What the address bar held when the page opened. */
export const arrived = (() => {
  const found = new URLSearchParams(location.hash.slice(1));
  const token = found.get("token");
  if (token) history.replaceState(history.state, "", location.pathname + location.search);
  return { token, poll: found.get("poll"), event: found.get("event") };
})();

/** The token for a poll or event, if this browser has it. */
export const tokenOf = (...ids: (string | null | undefined)[]): string | null =>
  ids.map((id) => (id ? recall<string>(key(id)) : null)).find(Boolean) ?? null;

/** Keep a token on this device. */
export const keepToken = (id: string, token: string) => remember(key(id), token);
export const dropToken = (id: string) => forget(key(id));

/** The operator's token is kept until the browser closes. */
export const operatorToken = (): string | null => recall<string>(key(OPERATOR), sessionStorage);
export const keepOperatorToken = (token: string) => remember(key(OPERATOR), token, sessionStorage);
export const dropOperatorToken = () => forget(key(OPERATOR), sessionStorage);
