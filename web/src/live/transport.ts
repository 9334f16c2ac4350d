// Opens the two ways in which a server pushes: a WebSocket, and an event stream where a proxy lets no socket
// through. Both carry the same messages.

import { NAMES, parse, type Message } from "./messages";
import { claim } from "./streams";

/** A `Transport` is an open way to the server. */
export interface Transport {
  close(): void;
}

/** `Hears` is told what arrives over a way. */
export type Hears = {
  message(message: Message): void;
  /**
   * Called when the way has ended, or never began; `crowded` says that it made room for other tabs of this
   * browser.
   */
  lost(crowded?: boolean): void;
};

/** Opens a way; tests replace it. */
export type Opens = (query: string, tokens: string[], hears: Hears) => Transport;

/** The longest wait for the greeting, in milliseconds. */
const STUCK = 10_000;

/** Opens a WebSocket. */
export const openSocket: Opens = (query, tokens, hears) => {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws${query}`);
  const close = () => {
    clearTimeout(stuck);
    socket.onopen = socket.onmessage = socket.onclose = null;
    // A socket that is closed while it is being opened would cause a warning in the console.
    if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
    else socket.close();
  };
  const lost = () => {
    close();
    hears.lost();
  };
  const stuck = setTimeout(lost, STUCK);
  socket.onopen = () => {
    for (const token of tokens) socket.send(JSON.stringify({ type: "auth", token }));
  };
  socket.onmessage = ({ data }) => {
    const message = parse(data);
    if (message?.type === "hello") clearTimeout(stuck);
    if (message) hears.message(message);
  };
  socket.onclose = lost;
  return { close };
};

/** Opens an event stream, which carries no token. */
export const openStream: Opens = (query, _tokens, hears) => {
  const stream = new EventSource(`/api/events${query}`);
  const close = () => {
    clearTimeout(stuck);
    leave();
    stream.close();
  };
  const lost = (crowded = false) => {
    close();
    hears.lost(crowded);
  };
  const stuck = setTimeout(lost, STUCK);
  const leave = claim(query, () => lost(true));
  for (const name of NAMES) {
    stream.addEventListener(name, ({ data }) => {
      const message = parse(data);
      if (message?.type === "hello") clearTimeout(stuck);
      if (message) hears.message(message);
    });
  }
  // An EventSource left to itself comes back after a fixed time, and so a whole hall at once.
  stream.onerror = () => lost();
  return { close };
};
