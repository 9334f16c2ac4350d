// Tests that an undo brings back what was before and nothing else, and that the page tells of the latest decision what
// the server has made of it.

import { expect, test } from "vitest";
import { begin, hear, kiosk, numbered, pass, texts, verdicts, words } from "./fixture-page";
import { Kiosk, refused } from "./fixture";

test("an undo brings back what was before: a word about which nothing was decided waits again", async () => {
  await begin(new Kiosk(["a", "b", "c"]));
  words.decide("shown");
  words.decide("hidden");
  await pass(2_000);
  expect(["c", "b", "a"].map(kiosk.stateOf)).toEqual(["shown", "hidden", "waiting"]);
  expect([words.back, texts()]).toEqual(["waiting", ["a"]]);
  words.hold(true);
  expect(words.undo()).toMatchObject({ text: "b", state: "waiting" });
  expect(words.rows.map(({ word, elsewhere }) => [word.text, elsewhere])).toEqual([
    ["b", false],
    ["a", false],
  ]);
  await pass(2_000);
  expect(words.undo()).toMatchObject({ text: "c", state: "waiting" });
  await pass(2_000);
  expect(["c", "b", "a"].map(kiosk.stateOf)).toEqual(["waiting", "waiting", "waiting"]);
  expect(verdicts().slice(-2)).toEqual([{ clear: [kiosk.idOf("b")] }, { clear: [kiosk.idOf("c")] }]);
  expect([words.undo(), words.decisions.last, texts()]).toEqual([null, null, ["c", "b", "a"]]);
  expect(words.counts).toEqual({ waiting: 3, shown: 0, hidden: 0, erased: 0 });
});

test("what a decision showed is shown again, what it hid is hidden again, one step after the other", async () => {
  const server = new Kiosk(["a"]);
  server.take({ show: [server.idOf("a")] });
  await begin(server, "shown");
  words.decide("hidden");
  await pass(2_000);
  words.tab = "hidden";
  await pass();
  words.decide("shown");
  await pass(2_000);
  expect([kiosk.stateOf("a"), words.back]).toEqual(["shown", "hidden"]);
  expect(words.undo()).toMatchObject({ text: "a", state: "hidden" });
  await pass(2_000);
  expect([kiosk.stateOf("a"), words.back]).toEqual(["hidden", "shown"]);
  words.undo();
  await pass(2_000);
  expect([kiosk.stateOf("a"), verdicts().at(-1)]).toEqual(["shown", { show: [kiosk.idOf("a")] }]);
});

test("a word that was shown only because none waited is not approved by an undo", async () => {
  await begin(new Kiosk(["a", "b"], false), "shown");
  words.decide("hidden");
  await pass(2_000);
  expect(words.undo()).toMatchObject({ text: "b", state: "shown" });
  await pass(2_000);
  expect([kiosk.stateOf("b"), verdicts().at(-1)]).toEqual(["shown", { clear: [kiosk.idOf("b")] }]);
  words.decide("hidden");
  await pass(2_000);
  kiosk.take({ approve: true });
  await hear();
  expect(words.back).toBe("waiting");
  words.undo();
  await pass(2_000);
  expect(kiosk.stateOf("b")).toBe("waiting");
});

test("a list from before the approval says of no word that it was approved", async () => {
  await begin(new Kiosk(["a"], false), "shown");
  kiosk.take({ approve: true });
  words.follow(kiosk.poll);
  expect(texts(), "the list is the old one").toEqual(["a"]);
  words.decide("hidden");
  words.undo();
  await pass(2_000);
  expect([kiosk.stateOf("a"), verdicts()]).toEqual(["waiting", [{ clear: [kiosk.idOf("a")] }]]);
});

test("an undone decision that is still on its way is taken back after it", async () => {
  await begin(new Kiosk(["a"]));
  kiosk.held = true;
  words.decide("shown");
  await pass();
  words.undo();
  expect(words.counts).toMatchObject({ waiting: 1, shown: 0, hidden: 0 });
  kiosk.release();
  await pass(3_000);
  expect(verdicts()).toEqual([{ show: [kiosk.idOf("a")] }, { clear: [kiosk.idOf("a")] }]);
  expect([kiosk.stateOf("a"), words.counts.waiting, texts()]).toEqual(["waiting", 1, ["a"]]);
});

test("an undo that the server refuses leaves the word as it was decided, and the page says so", async () => {
  await begin(new Kiosk(["a"]));
  words.decide("shown");
  await pass(2_000);
  kiosk.refuses = refused("there is no such word", "/clear/0");
  words.undo();
  await pass(2_000);
  expect([kiosk.stateOf("a"), words.counts.shown, texts()]).toEqual(["shown", 1, []]);
  expect(words.trouble).toContain("stays as before");
});

test("after an erased word nothing can be undone, and nothing keeps its text", async () => {
  await begin(new Kiosk(["a", "b", "c"]));
  words.decide("hidden");
  words.decide("erased");
  await pass(2_000);
  expect([words.undo(), words.back]).toEqual([null, null]);
  expect(words.decisions.end).toMatchObject({ word: { text: null, state: "erased" }, elsewhere: false });
  await pass(2_000);
  expect(["c", "b", "a"].map(kiosk.stateOf)).toEqual(["hidden", "erased", "waiting"]);
  words.decide("shown");
  expect([words.decisions.end, words.decisions.last?.word.text]).toEqual([null, "a"]);
  await pass();
});

test("when somebody else turns the latest decision around, the page says so and undoes nothing", async () => {
  await begin(new Kiosk(["a", "b", "c"]));
  words.decide("hidden");
  words.decide("hidden");
  await pass(2_000);
  kiosk.come("d");
  await hear();
  expect(words.decisions.last?.word.text, "other changes leave it").toBe("b");
  kiosk.take({ show: [kiosk.idOf("b")] });
  await hear();
  await pass(1_000);
  expect(words.decisions.end).toMatchObject({ word: { text: "b", state: "shown" }, elsewhere: true });
  expect([words.undo(), kiosk.stateOf("c")]).toEqual([null, "hidden"]);
  kiosk.take({ erase: [kiosk.idOf("b")] });
  await hear();
  await pass(1_000);
  expect(words.decisions.end?.word).toMatchObject({ text: null, state: "erased" });
});

test("a decision on its way is not taken for somebody else's, whatever the lists still say", async () => {
  await begin(new Kiosk(["a", "b"]));
  words.decide("hidden");
  await pass(2_000);
  kiosk.held = true;
  kiosk.come("c");
  words.follow(kiosk.poll);
  await pass(1_100);
  words.undo();
  words.decide("shown");
  kiosk.release();
  await pass(3_000);
  expect([words.decisions.end, words.decisions.last?.to]).toEqual([null, "shown"]);
});

test("how an old word stands is found behind five hundred newer ones", async () => {
  await begin(new Kiosk(["old"]));
  words.decide("hidden");
  await pass(2_000);
  for (const text of numbered(600)) kiosk.come(text);
  kiosk.take({ show: [kiosk.idOf("old")] });
  await hear();
  expect(words.decisions.end?.word).toMatchObject({ text: "old", state: "shown" });
});

test("erasing cannot be undone, and an erased word stands in no list", async () => {
  await begin(new Kiosk(["a", "b"]));
  words.decide("erased");
  await pass(2_000);
  expect(words.undo()).toBeNull();
  words.tab = "hidden";
  await pass();
  expect([words.rows, words.counts]).toEqual([[], { waiting: 1, shown: 0, hidden: 0, erased: 1 }]);
});
