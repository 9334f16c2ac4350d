// Tests that nothing which an organiser writes into a form is lost to what others save meanwhile.

import { cleanup, fireEvent, screen } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import { refusal } from "../api/fixture";
import PollEditor from "./edit/PollEditor.svelte";
import EventPage from "./event/EventPage.svelte";
import { desk, draft, event, hall, open, router, setUp, show } from "./held-fixture";
import PollPage from "./poll/PollPage.svelte";

setUp();

test("a draft told once more keeps its fields and what is said beside them", async () => {
  await show(PollPage, { id: draft });
  const field = screen.getByLabelText<HTMLInputElement>("Option B");
  field.focus();
  field.setSelectionRange(1, 1);
  vi.stubGlobal("fetch", () =>
    Promise.resolve(refusal(422, "validation", { errors: [{ pointer: "/question", detail: "is not nice" }] })),
  );
  await fireEvent.click(screen.getByText("Save and open"));
  await hall.settle();
  expect(document.body.textContent).toContain("is not nice");
  desk.take(structuredClone(hall.polls.get(draft)!));
  desk.take({ ...hall.polls.get(draft)!, version: 7 });
  await hall.settle();
  expect(screen.getByLabelText("Option B")).toBe(field);
  expect(document.body.textContent).toContain("is not nice");
});

test("a draft that somebody else changes: their words come, except in the field that is being written in", async () => {
  await show(PollPage, { id: draft });
  const question = screen.getByLabelText<HTMLTextAreaElement>("Question"),
    yes = screen.getByLabelText<HTMLInputElement>("Option A");
  await fireEvent.input(question, { target: { value: "Mine?" } });
  hall.poll(draft, {
    question: "Theirs?",
    results: "hidden",
    options: [
      { id: 1, text: "No", votes: 0 },
      { id: 2, text: "Yes", votes: 0 },
    ],
  });
  desk.take(hall.polls.get(draft)!);
  await hall.settle();
  expect(question.value).toBe("Mine?");
  expect(screen.getByLabelText<HTMLSelectElement>("Results are shown").value).toBe("hidden");
  // The same field stands elsewhere now.
  expect(screen.getByLabelText("Option B")).toBe(yes);
  expect(yes.value).toBe("Yes");
});

/** Returns the bodies of the changes that are sent from now on. */
function sent(): object[] {
  const bodies: object[] = [],
    there = fetch;
  vi.stubGlobal("fetch", (path: string, rest?: RequestInit) => {
    if (rest?.method === "PATCH") bodies.push(JSON.parse(rest.body as string));
    return there(path, rest);
  });
  return bodies;
}

test("a draft that somebody else changes while its form is away: coming back undoes nothing of it", async () => {
  await show(PollPage, { id: draft });
  await fireEvent.input(screen.getByLabelText("Question"), { target: { value: "Mine?" } });
  cleanup();
  hall.poll(draft, { closesAfter: 60, results: "hidden" });
  const bodies = sent();
  // The page has not heard of the change when it saves.
  await show(PollPage, { id: draft });
  await fireEvent.click(screen.getByText("Save draft"));
  await hall.settle();
  expect(bodies).toEqual([{ question: "Mine?" }]);
});

test("a draft in which two change the same: it is said beside the field, and theirs can be taken", async () => {
  await show(PollPage, { id: draft });
  const question = screen.getByLabelText<HTMLTextAreaElement>("Question"),
    bodies = sent();
  await fireEvent.input(question, { target: { value: "Mine?" } });
  // The page has not heard of it yet.
  hall.put({ ...hall.polls.get(draft)!, version: 20, question: "Theirs?" });
  await fireEvent.click(screen.getByText("Save draft"));
  await hall.settle();
  expect([bodies, question.value]).toEqual([[], "Mine?"]);
  const notice = document.querySelector("[data-theirs]")!;
  expect(notice.textContent).toContain("Somebody else changed this meanwhile: “Theirs?”");
  await fireEvent.click(screen.getByText("Save draft"));
  await hall.settle();
  // Once it was shown, the organiser decides.
  expect(bodies).toEqual([{ question: "Mine?" }]);
  await fireEvent.input(question, { target: { value: "Mine again?" } });
  hall.poll(draft, { question: "Theirs again?" });
  desk.take(hall.polls.get(draft)!);
  await hall.settle();
  await fireEvent.click(screen.getByText("Take theirs"));
  expect([question.value, document.querySelector("[data-theirs]")]).toEqual(["Theirs again?", null]);
});

test("an event's looks: coming back to them undoes nothing that somebody else has saved meanwhile", async () => {
  await show(EventPage, { id: event });
  await fireEvent.input(screen.getByLabelText("Title"), { target: { value: "Mine" } });
  cleanup();
  hall.event(event, { layout: "columns", embed: ["https://theirs.example"] });
  await show(EventPage, { id: event });
  const bodies = sent();
  expect(screen.getByLabelText<HTMLInputElement>("Title").value).toBe("Mine");
  expect(screen.getByLabelText<HTMLInputElement>("columns, side by side").checked).toBe(true);
  hall.put({ ...hall.events.get(event)!, version: 30, title: "Theirs" });
  await fireEvent.submit(screen.getByLabelText("Title").closest("form")!);
  await hall.settle();
  const notice = document.querySelector("[data-theirs]");
  expect([bodies, notice?.textContent]).toEqual([[], expect.stringContaining("“Theirs”")]);
  await fireEvent.submit(screen.getByLabelText("Title").closest("form")!);
  await hall.settle();
  expect(bodies).toEqual([{ title: "Mine" }]);
});

test("a draft that is opened while it is being written: what was written is kept, and can be used", async () => {
  await show(PollPage, { id: draft });
  await fireEvent.input(screen.getByLabelText("Question"), { target: { value: "Better?" } });
  hall.poll(draft, { status: "open" });
  desk.take(hall.polls.get(draft)!);
  await hall.settle();
  expect(document.body.textContent).toContain("opened while you were changing it");
  await fireEvent.click(screen.getByText("Use them in a copy"));
  expect(router.path + router.search).toBe(`/studio/new?from=${draft}`);
  cleanup();
  await show(PollEditor, { from: draft });
  expect(screen.getByLabelText<HTMLTextAreaElement>("Question").value).toBe("Better?");
});

test("a draft that somebody deletes while it is being written: what was written is kept, and can be used", async () => {
  await show(PollPage, { id: draft });
  await fireEvent.input(screen.getByLabelText("Question"), { target: { value: "Better?" } });
  hall.polls.delete(draft);
  desk.remove(draft);
  await vi.waitFor(() => expect(document.body.textContent).toContain("deleted while you were changing it"));
  await fireEvent.click(screen.getByText("Use them in a copy"));
  cleanup();
  await show(PollEditor, { from: draft });
  expect(screen.getByLabelText<HTMLTextAreaElement>("Question").value).toBe("Better?");
  // What was not touched has gone with the poll, and is needed all the same.
  expect(screen.getByLabelText<HTMLInputElement>("Option B").value).toBe("No");
});

test("an event's looks: what somebody else saves comes, except in the field that is being changed", async () => {
  await show(EventPage, { id: event });
  const title = screen.getByLabelText<HTMLInputElement>("Title");
  await fireEvent.input(title, { target: { value: "Mine" } });
  hall.event(event, { title: "Theirs", layout: "columns" });
  await hall.settle();
  expect(title.value).toBe("Mine");
  expect(screen.getByLabelText<HTMLInputElement>("columns, side by side").checked).toBe(true);
  expect(document.querySelector("h1")!.textContent).toBe("Theirs");
});

test("an event's looks: what is opened stays open while others save", async () => {
  await show(EventPage, { id: event });
  const field = screen.getByLabelText<HTMLTextAreaElement>("Sites that may embed it");
  const panel = field.closest("details")!;
  panel.open = true;
  await fireEvent(panel, new Event("toggle"));
  field.focus();
  hall.event(event, { title: "Theirs" });
  await hall.settle();
  expect([panel.open, document.activeElement]).toEqual([true, field]);
});

test("who may embed a poll: what is being written stays, what nobody is writing is theirs", async () => {
  await show(PollPage, { id: open });
  const field = screen.getByLabelText<HTMLTextAreaElement>("Sites that may embed it");
  hall.poll(open, { embed: ["https://theirs.example"] });
  await hall.settle();
  expect(field.value).toBe("https://theirs.example");
  await fireEvent.input(field, { target: { value: "https://mine.example" } });
  hall.poll(open, { embed: [] });
  await hall.settle();
  expect(field.value).toBe("https://mine.example");
  expect(document.querySelector("[data-theirs]")!.textContent).toContain("no site");
  await fireEvent.click(screen.getByText("Take theirs"));
  expect([field.value, document.querySelector("[data-theirs]")]).toEqual(["", null]);
});

test("who may embed a poll: saved, it stands as the server writes it, and what others change comes", async () => {
  await show(PollPage, { id: open });
  const field = screen.getByLabelText<HTMLTextAreaElement>("Sites that may embed it");
  await fireEvent.input(field, { target: { value: "a.org, b.org" } });
  const there = fetch;
  vi.stubGlobal("fetch", (path: string, rest?: RequestInit) => {
    const saves = rest?.method === "PATCH";
    if (saves) hall.put({ ...hall.polls.get(open)!, version: 30, embed: ["https://a.org", "https://b.org"] });
    return there(path, rest);
  });
  await fireEvent.submit(field.closest("form")!);
  await hall.settle();
  expect(field.value).toBe("https://a.org\nhttps://b.org");
  hall.poll(open, { embed: ["https://theirs.example"] });
  await hall.settle();
  expect(field.value).toBe("https://theirs.example");
});
