// Tests that the lists of words follow the poll without disturbing whoever decides, and that no decision is lost,
// made twice, or left standing when the server refuses it.

import { expect, test } from "vitest";
import { begin, current, hear, kiosk, numbered, pass, texts, verdicts, words } from "./fixture-page";
import { Kiosk, refused } from "./fixture";
import { quoted } from "./sentences";

test("words are listed the newest first, with how many are in each list", async () => {
  await begin(new Kiosk(["a", "b", "c"]));
  expect(texts()).toEqual(["c", "b", "a"]);
  expect(words.counts).toEqual({ waiting: 3, shown: 0, hidden: 0, erased: 0 });
});

test("a decision counts at once, the next row has the focus, and the server is told once", async () => {
  await begin(new Kiosk(["a", "b", "c", "d"]));
  words.focus(kiosk.idOf("c"));
  kiosk.held = true;
  words.decide("shown");
  expect([texts(), current()]).toEqual([["d", "b", "a"], "b"]);
  expect(words.counts).toMatchObject({ waiting: 3, shown: 1 });
  await pass();
  words.decide("hidden");
  expect([texts(), current()]).toEqual([["d", "a"], "a"]);
  kiosk.release();
  await pass(3_000);
  expect(verdicts()).toEqual([{ show: [kiosk.idOf("c")] }, { hide: [kiosk.idOf("b")] }]);
  expect([texts(), current(), words.decisions.unanswered]).toEqual([["d", "a"], "a", 0]);
  expect(words.counts).toEqual({ waiting: 2, shown: 1, hidden: 1, erased: 0 });
  words.decide("shown");
  expect(current(), "after the last row comes the one before").toBe("d");
  await pass();
});

test("what is decided while an answer is awaited is sent together", async () => {
  await begin(new Kiosk(numbered(6)));
  kiosk.held = true;
  words.decide("shown");
  await pass();
  for (const to of ["shown", "hidden", "shown", "erased"] as const) words.decide(to);
  kiosk.release();
  await pass(3_000);
  const [, four, three, two, one] = [5, 4, 3, 2, 1].map((i) => kiosk.idOf(`word ${i}`));
  expect(verdicts().slice(1)).toEqual([{ show: [four, two], hide: [three], erase: [one] }]);
});

test("a list never shows a word again that was decided about while it was on its way", async () => {
  await begin(new Kiosk(["a", "b"]));
  const seen: unknown[] = [];
  for (let i = 0; i < 6; i++) {
    kiosk.come(`new ${i}`);
    words.follow(kiosk.poll);
    kiosk.held = true;
    await pass(1_100);
    words.focus(kiosk.idOf(i ? `new ${i - 1}` : "b"));
    const gone = current();
    words.decide("shown");
    for (let j = 0; j < 8; j++) {
      if (j === 4) kiosk.release();
      await pass(150);
      if (texts().includes(gone!)) seen.push(`${gone} after ${j}`);
    }
  }
  expect(seen).toEqual([]);
  expect(words.counts).toMatchObject({ shown: 6, waiting: 2 });
});

test("many changes of the poll ask for the list once a second", async () => {
  await begin(new Kiosk(["a"]));
  const before = kiosk.asked.length;
  for (let i = 0; i < 100; i++) {
    kiosk.come(`word ${i}`);
    words.follow(kiosk.poll);
    await pass(50);
  }
  expect(kiosk.asked.length - before).toBeGreaterThanOrEqual(4);
  expect(kiosk.asked.length - before).toBeLessThanOrEqual(6);
  await pass(1_000);
  expect(texts()[0]).toBe("word 99");
  const after = kiosk.asked.length;
  words.follow({ ...kiosk.poll });
  await pass(10_000);
  expect(kiosk.asked.length, "the poll has not changed").toBe(after);
});

test("under a hand no row moves: what comes waits above, what others decide stays in its place", async () => {
  await begin(new Kiosk(["a", "b", "c"]));
  words.hold(true);
  words.focus(kiosk.idOf("b"));
  kiosk.come("d");
  kiosk.take({ hide: [kiosk.idOf("b")] });
  await hear();
  expect(words.rows.map(({ word, elsewhere }) => [word.text, elsewhere])).toEqual([
    ["c", false],
    ["b", true],
    ["a", false],
  ]);
  expect([current(), words.news, words.counts.waiting]).toEqual(["b", 1, 3]);
  expect(words.decide("shown"), "somebody else has decided").toBeNull();
  await pass();
  expect([kiosk.stateOf("b"), verdicts().length]).toEqual(["hidden", 0]);
  words.hold(false);
  expect([texts(), words.news]).toEqual([["d", "c", "a"], 0]);
});

test("from the first row up lies what has come meanwhile", async () => {
  await begin(new Kiosk(["a", "b"]));
  words.hold(true);
  kiosk.come("c");
  await hear();
  expect([texts(), current()]).toEqual([["b", "a"], "b"]);
  words.step(-1);
  expect([texts(), current()]).toEqual([["c", "b", "a"], "c"]);
  words.step(1);
  words.step(1);
  words.step(1);
  expect(current()).toBe("a");
});

test("when nothing is left under the hand, what has come is listed", async () => {
  await begin(new Kiosk(["a"]));
  words.hold(true);
  kiosk.come("b");
  await hear();
  words.decide("shown");
  expect([texts(), current()]).toEqual([["b"], "b"]);
  await pass();
});

test("what is refused is as before, in its place, and the page says so in the server's words", async () => {
  await begin(new Kiosk(["a", "b", "c"]));
  words.focus(kiosk.idOf("b"));
  kiosk.refuses = refused("a poll keeps decisions about 2000 words", "");
  words.decide("hidden");
  expect(texts()).toEqual(["c", "a"]);
  await pass();
  expect(texts()).toEqual(["c", "b", "a"]);
  expect(words.counts).toEqual({ waiting: 3, shown: 0, hidden: 0, erased: 0 });
  expect(words.trouble).toBe(`A poll keeps decisions about 2000 words. ${quoted({ text: "b" })} stays as before`);
  expect(words.undo(), "there is nothing to undo").toBeNull();
});

test("what is refused takes nothing else along", async () => {
  await begin(new Kiosk(["a", "b", "c", "d", "e"]));
  kiosk.held = true;
  words.decide("shown");
  await pass();
  for (const to of ["shown", "hidden", "erased"] as const) words.decide(to);
  const [d, c, b] = ["d", "c", "b"].map(kiosk.idOf);
  kiosk.words = kiosk.words.filter(({ text }) => text !== "c");
  kiosk.release();
  await pass(3_000);
  expect(verdicts().slice(1)).toEqual([
    { show: [d], hide: [c], erase: [b] },
    { show: [d], erase: [b] },
  ]);
  expect(words.trouble).toBe(`There is no such word. ${quoted({ text: "c" })} stays as before`);
  expect([words.decisions.unanswered, words.counts]).toEqual([0, { waiting: 1, shown: 2, hidden: 0, erased: 1 }]);
});

test("too many erased words refuse the erasing only", async () => {
  await begin(new Kiosk(["a", "b", "c"]));
  kiosk.held = true;
  words.decide("shown");
  await pass();
  words.decide("hidden");
  words.decide("erased");
  kiosk.refuses = null;
  const erased = kiosk.words;
  kiosk.words = [
    ...erased,
    ...numbered(200).map((text, i) => ({ id: `e${i}`, text, votes: 1, decided: "erased" as const })),
  ];
  kiosk.release();
  await pass(3_000);
  expect([kiosk.stateOf("b"), kiosk.stateOf("a")]).toEqual(["hidden", "waiting"]);
  expect(words.trouble).toMatch(/^A poll can have 200 erased words\. “.a.” stays as before$/);
});

test("decisions wait while nobody answers, are sent again, and none is made twice or lost", async () => {
  await begin(new Kiosk(["a", "b", "c"]));
  kiosk.silent = true;
  words.decide("shown");
  words.decide("hidden");
  await pass(3_000);
  words.decide("shown");
  expect([texts(), words.late]).toEqual([[], 3]);
  kiosk.silent = false;
  await pass(6_000);
  expect(["c", "b", "a"].map(kiosk.stateOf)).toEqual(["shown", "hidden", "shown"]);
  expect([words.late, words.trouble, words.counts.shown]).toEqual([0, "", 2]);
});

test("a decision that nobody answers for long, and that is given up, is as before", async () => {
  await begin(new Kiosk(["a"]));
  kiosk.silent = true;
  words.decide("shown");
  await pass(40_000);
  expect(texts()).toEqual(["a"]);
  expect(words.trouble).toMatch(/^The server does not answer, .*“.a.” stays as before$/);
});

test("a list that nobody sends stays on the page, which says how old it is, and is asked for again", async () => {
  await begin(new Kiosk(["a"]));
  kiosk.silent = true;
  kiosk.come("b");
  await hear();
  expect([texts(), words.silentSince]).toEqual([["a"], expect.any(Date)]);
  kiosk.silent = false;
  await pass(10_000);
  expect([texts(), words.silentSince]).toEqual([["b", "a"], null]);
});

test("all that wait are shown in batches of 500, and what comes meanwhile still waits", async () => {
  await begin(new Kiosk(numbered(1_203)));
  const all = words.showAll();
  await pass();
  kiosk.come("late");
  await pass(3_000);
  expect(await all).toBe(true);
  expect(verdicts().map(({ show }) => show?.length)).toEqual([500, 500, 203]);
  await hear();
  expect([words.counts.waiting, words.counts.shown, words.progress]).toEqual([1, 1_203, null]);
});

test("where a poll keeps no more decisions, showing all says how far it came", async () => {
  await begin(new Kiosk(numbered(2_300)));
  const all = words.showAll();
  await pass(3_000);
  expect(await all).toBe(false);
  expect(words.trouble).toBe("A poll keeps decisions about 2000 words. Before that, 2,000 of 2,300 words were shown");
  await pass(2_000);
  expect(words.counts.waiting).toBe(300);
});

test("approval keeps what is shown, if that is wished, and otherwise lets all wait", async () => {
  await begin(new Kiosk(numbered(620), false), "shown");
  void words.approve(true, true);
  await pass(3_000);
  expect(verdicts().map((verdict) => [verdict.show?.length, verdict.approve])).toEqual([
    [500, undefined],
    [120, undefined],
    [undefined, true],
  ]);
  expect([words.counts.shown, words.counts.waiting]).toEqual([620, 0]);
  kiosk.come("new");
  await hear();
  expect([words.counts.shown, words.counts.waiting]).toEqual([620, 1]);
  void words.approve(false);
  await pass(3_000);
  expect([words.counts.shown, words.counts.waiting]).toEqual([621, 0]);
});

test("a hundred words are listed, more on demand, and never more than three hundred", async () => {
  await begin(new Kiosk(numbered(1_000)));
  expect([texts().length, words.older, words.newer]).toEqual([100, "more", false]);
  words.hold(true);
  words.showOlder();
  await pass();
  words.showOlder();
  await pass();
  expect([texts().length, texts()[299], words.older]).toEqual([300, "word 700", "next"]);
  words.showOlder();
  await pass();
  expect([texts().length, texts()[0], words.newer]).toEqual([100, "word 699", true]);
  kiosk.come("newest");
  await hear();
  expect(texts()[0]).toBe("word 699");
  words.showNewer();
  await pass();
  expect([texts().length, texts()[0]]).toEqual([300, "newest"]);
});

test("a search goes through all words of the list, as people compare words", async () => {
  await begin(new Kiosk([...numbered(1_500), "ＣＡＦÉ", "الصبر"]));
  kiosk.words[3]!.text = "Café au lait";
  words.search = "cafe";
  expect([texts(), words.fresh]).toEqual([[], false]);
  await pass();
  expect([texts(), words.found, words.fresh]).toEqual([["ＣＡＦÉ", "Café au lait"], 2, true]);
  words.search = "صبر";
  await pass();
  expect(texts()).toEqual(["الصبر"]);
  words.search = "word";
  await pass();
  expect([texts().length, words.found]).toEqual([300, 1_499]);
  words.search = "";
  await pass();
  expect([texts().length, words.found]).toEqual([100, null]);
});

test("another list does not show the words of the one before", async () => {
  await begin(new Kiosk(["a", "b"]));
  kiosk.held = true;
  kiosk.come("c");
  words.follow(kiosk.poll);
  await pass(1_100);
  words.tab = "shown";
  kiosk.release();
  kiosk.held = true;
  await pass();
  expect([texts(), words.fresh], "the list that has come is the other one").toEqual([[], false]);
  kiosk.release();
  await pass();
  expect([texts(), words.fresh]).toEqual([[], true]);
});

test("a new round begins with no words, and no decision of the old one is left", async () => {
  await begin(new Kiosk(["a", "b"]));
  words.decide("shown");
  await pass();
  kiosk.words = [];
  kiosk.poll = { ...kiosk.poll, round: 2, version: kiosk.poll.version + 1 };
  words.hold(true);
  await hear();
  expect([texts(), words.counts, words.undo()]).toEqual([[], { waiting: 0, shown: 0, hidden: 0, erased: 0 }, null]);
});

test("after the page is left, what was decided is still sent, and no list is asked for", async () => {
  await begin(new Kiosk(["a", "b"]));
  kiosk.silent = true;
  words.decide("shown");
  await pass();
  words.tab = "shown";
  words.close();
  kiosk.silent = false;
  const before = kiosk.asked.length;
  await pass(5_000);
  expect([kiosk.stateOf("b"), kiosk.asked.length - before]).toEqual(["shown", 1]);
});
