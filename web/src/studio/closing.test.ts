// Tests when a poll closes by itself, as it is chosen, and what its organiser is told when that time had
// passed.

import { cleanup, fireEvent, render, screen } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import Closing from "./edit/Closing.svelte";
import { Hall, idOf, pollOf } from "./fixture";
import Missed from "./Missed.svelte";
import { PollForm } from "./poll-form.svelte";
import { limit } from "./words";

beforeEach(() => localStorage.clear());
afterEach(cleanup);

const chip = (name: string) => screen.getByLabelText<HTMLInputElement>(name);

test("a length, another length, a time by the clock, and none", async () => {
  const form = new PollForm("x");
  render(Closing, { form });
  expect(chip("Manually").checked).toBe(true);
  await fireEvent.click(chip("2 min"));
  expect([form.closesAfter, form.closesAt]).toEqual([120, ""]);
  await fireEvent.click(chip("Other…"));
  expect(form.closesAfter).toBe(120);
  const length = screen.getByLabelText<HTMLInputElement>("How long it is open");
  expect(length.value).toBe("2");
  await fireEvent.input(length, { target: { value: "" } });
  // The field stays while it is empty for a moment.
  expect(form.closesAfter).toBe(null);
  expect(screen.getByLabelText("How long it is open")).toBe(length);
  await fireEvent.input(length, { target: { value: "7" } });
  expect(form.closesAfter).toBe(420);
  await fireEvent.change(screen.getByLabelText("Unit"), { target: { value: "1" } });
  expect(form.closesAfter).toBe(7);
  await fireEvent.click(chip("At a set time"));
  expect(form.closesAfter).toBe(null);
  const time = screen.getByLabelText<HTMLInputElement>("When it closes");
  expect(Date.parse(form.closesAt)).toBeGreaterThan(Date.now());
  await fireEvent.input(time, { target: { value: "" } });
  expect(screen.getByLabelText("When it closes")).toBe(time);
  await fireEvent.click(chip("Manually"));
  expect([form.closesAfter, form.closesAt]).toEqual([null, ""]);
});

test.each([
  ["60", 90, 60, "1"],
  ["605", 90, 605, "1"],
  ["1.5", 300, 90, "60"],
  ["1.33", 600, 80, "60"],
  ["120", 90, 120, "1"],
])(
  "%s, typed into a draft of %d s, is what it says, in the field and unit it is typed in",
  async (text, was, seconds, unit) => {
    const form = new PollForm("x", pollOf(1, { closesAfter: was, status: "draft" }));
    render(Closing, { form });
    if (was === 300) await fireEvent.click(chip("Other…"));
    const field = screen.getByLabelText<HTMLInputElement>("How long it is open");
    for (let n = 1; n <= text.length; n++) {
      const typed = text.slice(0, n);
      await fireEvent.input(field, { target: { value: typed } });
      expect(screen.getByLabelText("How long it is open"), `typed ${typed}`).toBe(field);
      expect([field.value, screen.getByLabelText<HTMLSelectElement>("Unit").value, chip("Other…").checked]).toEqual([
        typed,
        unit,
        true,
      ]);
    }
    expect(form.closesAfter).toBe(seconds);
    // What is loaded comes in the unit that suits it.
    form.discard();
    await Promise.resolve();
    expect(form.closesAfter).toBe(was);
    expect(screen.queryByLabelText("How long it is open") !== null).toBe(was !== 300);
  },
);

test("a draft says how long it will be open", () => {
  expect(limit(pollOf(1, { closesAfter: 120 }))).toBe("closes 2\u00a0min after it opens");
  expect(limit(pollOf(1, { closesAfter: 90 }))).toBe("closes 1\u00a0min 30\u00a0sec after it opens");
  expect(limit(pollOf(1))).toBe("");
});

const MISSED =
  "one that was opened after its closing time is said to be open without a limit, until that has been " + "read";
test(MISSED, async () => {
  const hall = new Hall();
  const desk = await hall.desks(pollOf(1), pollOf(2));
  render(Missed, { desk });
  expect(document.body.textContent.trim()).toBe("");
  hall.poll(idOf(1), { missedClosesAt: "2026-11-22T09:42:00Z", question: "Late?" });
  await hall.settle();
  const said = document.body.textContent.replace(/\s+/g, " ");
  expect(said).toContain("The closing time of “Late?” had passed, so it is open without a limit.");
  // Those who watch are not told of it again.
  desk.take({ ...hall.polls.get(idOf(1))!, version: 50, missedClosesAt: null });
  await hall.settle();
  expect(document.body.textContent).toContain("“Late?” had passed");
  await fireEvent.click(screen.getByLabelText("I have read this"));
  desk.take({ ...hall.polls.get(idOf(1))!, version: 51, totalVoters: 9 });
  await hall.settle();
  expect(document.body.textContent.trim()).toBe("");
  hall.close();
});

test("what only the owner is told of an opening is asked for until it is answered", async () => {
  const hall = new Hall();
  const desk = await hall.desks(pollOf(1, { status: "closed" }));
  render(Missed, { desk });
  const answered = fetch;
  let lost = 0;
  vi.stubGlobal("fetch", (path: string, init?: RequestInit) => {
    if (lost > 0 || !path.includes(idOf(1))) return answered(path, init);
    lost += 1;
    return Promise.reject(new TypeError("the line is cut"));
  });
  hall.poll(idOf(1), { status: "open", question: "Late?" });
  hall.put({ ...hall.polls.get(idOf(1))!, missedClosesAt: "2026-11-22T09:42:00Z" });
  await vi.waitFor(() => expect(document.body.textContent).toContain("“Late?” had passed"), { timeout: 4_000 });
  expect(lost).toBe(1);
  hall.close();
});
