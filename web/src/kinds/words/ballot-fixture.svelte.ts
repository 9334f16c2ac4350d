// Holds a phone with a poll of words for tests: what stands on its paper, and what somebody does with it.

import { flushSync } from "svelte";
import { pass, plain } from "../../vote/fixture";
import { onPhone } from "../../vote/fixture-room.svelte";
import type { WordsPoll } from "../kind";
import { makeWords } from "./fixture";

export const POLL = makeWords([]);
export const HEARD = [
  ["Rust", 12],
  ["fast builds", 6],
  ["بناء سريع", 3],
] as const;

export const phone = onPhone<WordsPoll>("words");
export const { reload, show, told } = phone;
export const one = <E extends HTMLElement = HTMLElement>(selector: string) => document.querySelector<E>(selector)!;
export const all = <E extends HTMLElement = HTMLElement>(selector: string) => [
  ...document.querySelectorAll<E>(selector),
];
export const fields = () => all<HTMLInputElement>(".slot input");
export const stands = () => fields().map(({ value }) => value);
export const field = (n: number) => fields()[n - 1]!;
export const sends = () => one<HTMLButtonElement>(".wide");
export const text = (node: Element | undefined | null) => plain(node?.textContent).replaceAll(/\s+/g, " ").trim();
export const words = (selector: string) => text(one(selector));
export const remarks = () => all(".remark").map(text);
export const hints = () => fields().map((one) => one.enterKeyHint || one.getAttribute("enterkeyhint"));
export const focused = () => fields().indexOf(document.activeElement as HTMLInputElement) + 1;
export const rows = () => all(".board li").map((row) => `${row.classList.contains("self") ? "* " : ""}${text(row)}`);

export function type(n: number, words: string) {
  field(n).focus();
  field(n).value = words;
  field(n).dispatchEvent(new InputEvent("input", { bubbles: true }));
  flushSync();
}
export function enter(n: number, more: KeyboardEventInit = {}) {
  const event = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...more });
  field(n).dispatchEvent(event);
  flushSync();
  return event.defaultPrevented;
}
export function paste(n: number, words: string, [from, to] = [field(n).value.length, field(n).value.length]) {
  field(n).setSelectionRange(from, to);
  const event = Object.assign(new Event("paste", { bubbles: true, cancelable: true }), {
    clipboardData: { getData: () => words },
  });
  field(n).dispatchEvent(event);
  flushSync();
  return event.defaultPrevented;
}
export function leave() {
  one(".slots").dispatchEvent(new FocusEvent("focusout", { bubbles: true, relatedTarget: document.body }));
  flushSync();
}
export async function submit() {
  one("form").dispatchEvent(new SubmitEvent("submit", { cancelable: true }));
  flushSync();
  await pass();
  flushSync();
}

export async function voted(given: string, poll: WordsPoll) {
  show({ ...poll, status: "open", final: false });
  type(1, given);
  await submit();
}
