// Tests the cloud's layout: nothing overlaps or leaves the area, words keep their places while they can, the same words
// come to the same cloud, and what a step costs is bounded, counted in comparisons.

import { expect, test } from "vitest";
import { Cloud, type Placed } from "./cloud";
import { FLOOR, type Word } from "./cloud-sizes";

const AREA = { width: 119, height: 58 };
/** Stands in for a font: each letter is about half as wide as it is high, and an ideograph is a square. */
const measure = (text: string) => {
  const width = [...text].reduce(
    (sum, letter) => sum + (letter > "\u2e80" ? 1 : 0.4 + 0.02 * (letter.charCodeAt(0) % 12)),
    0,
  );
  return { width, height: /[gpqyj]/.test(text) ? 0.95 : 0.74 };
};
const ENOUGH = 20_000_000;

/** Draws numbers from 0 to 1, always the same ones (Park and Miller's generator). */
function dice(seed = 7) {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
const SYLLABLES = ["ka", "lo", "mi", "ru", "sten", "gra", "po", "vi", "ten", "sho", "ly", "que", "berg", "an"];
/** Returns so many different words, with votes as rooms give them: few have many. */
function many(count: number, roll = dice()): Word[] {
  const texts = new Set<string>();
  while (texts.size < count) {
    const syllables = 1 + Math.floor(4 * roll());
    texts.add(Array.from({ length: syllables }, () => SYLLABLES[Math.floor(roll() * SYLLABLES.length)]).join(""));
  }
  return sorted([...texts].map((text, i) => ({ text, votes: 1 + Math.floor(40 / (i + 1) + 2 * roll() ** 4) })));
}
const sorted = (words: Word[]) => [...words].sort((a, b) => b.votes - a.votes);
function settle(cloud: Cloud, words: readonly Word[], area = AREA) {
  cloud.want(words, area);
  cloud.step(ENOUGH);
  expect(cloud.busy).toBe(false);
  return cloud.placed;
}
const show = (words: readonly Word[], area = AREA) => {
  const cloud = new Cloud(measure);
  settle(cloud, words, area);
  return cloud;
};
const boxOf = ({ text, size, x, y }: Placed) => {
  const { width, height } = measure(text);
  return { left: x - (size * width) / 2, right: x + (size * width) / 2, top: y - (size * height) / 2, bottom: y + (size * height) / 2 }; // prettier-ignore
};
/** Returns what lies outside of the area, and the pairs that overlap. */
function faults(placed: readonly Placed[], { width, height } = AREA): string[] {
  const boxes = placed.map((one) => ({ text: one.text, ...boxOf(one) }));
  const outside = boxes.filter(
    ({ left, right, top, bottom }) => left < -1e-4 || top < -1e-4 || right > width + 1e-4 || bottom > height + 1e-4,
  );
  const pairs = boxes.flatMap((a, i) =>
    boxes
      .slice(i + 1)
      .filter((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
      .map((b) => `${a.text} over ${b.text}`),
  );
  return [...outside.map(({ text }) => `${text} outside`), ...pairs];
}
/** Returns the words that are somewhere else now. */
const moved = (before: readonly Placed[], after: readonly Placed[]) => {
  const places = new Map(after.map((one) => [one.text, one]));
  return before.filter(({ text, x, y }) => {
    const now = places.get(text);
    return now && (now.x !== x || now.y !== y);
  });
};

test("DEBUG", { timeout: 200000 }, () => {
  for (const n of [1, 5, 20, 50, 100, 200, 500]) {
    const cloud = show(many(n));
    console.log(
      n,
      cloud.placed.length,
      "work",
      cloud.work.done,
      faults(cloud.placed).length,
      cloud.placed[0]!.size.toFixed(1),
      cloud.placed.at(-1)!.size.toFixed(1),
      (
        cloud.placed.reduce((s, p) => s + p.size ** 2 * measure(p.text).width * measure(p.text).height, 0) /
        AREA.width /
        AREA.height
      ).toFixed(2),
    );
  }
  // growth
  const roll = dice(3);
  const pool = many(400, roll);
  const votes = new Map<string, number>();
  const cloud = new Cloud(measure);
  let moves = 0,
    far = 0,
    most = 0;
  let before: readonly Placed[] = [];
  for (let i = 0; i < 1200; i++) {
    const pick = pool[Math.floor(pool.length * roll() ** 2.5)]!;
    votes.set(pick.text, (votes.get(pick.text) ?? 0) + 1);
    const w0 = cloud.work.done;
    const t0 = performance.now();
    const now = settle(cloud, sorted([...votes].map(([text, votes]) => ({ text, votes }))));
    most = Math.max(most, cloud.work.done - w0);
    const m = moved(before, now);
    moves += m.length;
    const places = new Map(now.map((o) => [o.text, o]));
    far += m.reduce((s, o) => s + Math.hypot(o.x - places.get(o.text)!.x, o.y - places.get(o.text)!.y), 0);
    if (faults(now).length) console.log(i, faults(now));
    if ([10, 30, 60, 100, 200, 400, 800, 1199].includes(i))
      console.log(
        i,
        now.length,
        cloud.rest.length,
        now[0]!.size.toFixed(1),
        "moves",
        moves,
        "mean",
        (far / (moves || 1)).toFixed(1),
        "most work",
        most,
        (performance.now() - t0).toFixed(1),
      );
    before = now;
  }
});
