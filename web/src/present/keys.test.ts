// Tests the keys of the screens in front of a room.

import { expect, test, vi } from "vitest";
import { keys } from "./keys";

function press(key: string, target: HTMLElement = document.body, rest: KeyboardEventInit = {}) {
  document.body.append(target === document.body ? "" : target);
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...rest }));
}

test("keys are heard, except where somebody writes", () => {
  const q = vi.fn(),
    space = vi.fn();
  addEventListener("keydown", keys({ q, " ": space }));
  press("Q");
  press(" ");
  expect([q, space].map((act) => act.mock.calls.length)).toEqual([1, 1]);
  for (const field of ["input", "textarea", "select", "dialog"]) press("q", document.createElement(field));
  press("q", document.body, { ctrlKey: true });
  press("q", document.body, { repeat: true });
  press(" ", document.createElement("button"));
  expect([q, space].map((act) => act.mock.calls.length)).toEqual([1, 1]);
  press("q", document.createElement("button"));
  expect(q).toHaveBeenCalledTimes(2);
});
