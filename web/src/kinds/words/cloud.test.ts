// Tests the cloud's layout: nothing overlaps or leaves the area, words keep their places while they can, the same words
// come to the same cloud, and what a step costs is bounded, counted in comparisons.

import { expect, test } from "vitest";
import { Cloud, MOST, type Placed } from "./cloud";
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
/** What a test of hundreds of layouts may take on a busy machine, in milliseconds. */
const SLOW = 60_000;
/** More comparisons than any layout needs. */
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
  const [w, h] = [(size * width) / 2, (size * height) / 2];
  return { left: x - w, right: x + w, top: y - h, bottom: y + h };
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

/** Lets a room say words one after the other, and calls `seen` with the cloud before and after each. */
function grow(count: number, seen: (before: readonly Placed[], after: readonly Placed[], cloud: Cloud) => void) {
  const roll = dice(3),
    pool = many(400, roll),
    votes = new Map<string, number>(),
    cloud = new Cloud(measure);
  for (let i = 0; i < count; i++) {
    const { text } = pool[Math.floor(pool.length * roll() ** 2.5)]!;
    votes.set(text, (votes.get(text) ?? 0) + 1);
    const before = cloud.placed;
    const now = sorted([...votes].map(([text, votes]) => ({ text, votes })));
    seen(before, settle(cloud, now), cloud);
  }
  return cloud;
}

test.each([
  ["beside a panel", AREA],
  ["upright", { width: 92, height: 78 }],
  ["in a small frame", { width: 63, height: 21 }],
])("%s no word covers another one or leaves the area, and none is too small to be read", (_, area) => {
  for (const count of [1, 5, 50, 150, 500]) {
    const words = many(count),
      cloud = show(words, area);
    expect(faults(cloud.placed, area), `${count} words`).toEqual([]);
    expect(Math.min(...cloud.placed.map(({ size }) => size))).toBeGreaterThanOrEqual(FLOOR - 1e-9);
    expect(cloud.placed.length + cloud.rest.length).toBe(count);
    if (area === AREA) expect(cloud.placed.length).toBe(Math.min(MOST, count));
  }
});

test("the largest word stands near the middle, and is as large as there is room", () => {
  for (const [count, least] of [[1, 16], [5, 14], [50, 10], [500, 7]] as const) {
    const [first] = show(many(count)).placed;
    expect(first!.size, `${count} words`).toBeGreaterThan(least);
    expect(first!.leads).toBe(true);
    expect(Math.abs(first!.x - AREA.width / 2)).toBeLessThan(0.1 * AREA.width);
    expect(Math.abs(first!.y - AREA.height / 2)).toBeLessThan(0.1 * AREA.height);
  }
}); // prettier-ignore

test("more votes are never smaller, and equal votes are equally large", () => {
  const check = (placed: readonly Placed[], words: readonly Word[]) => {
    const votes = new Map(words.map((one) => [one.text, one.votes]));
    const known = placed.map(({ text, size }) => ({ size, votes: votes.get(text)! }));
    for (const a of known) for (const b of known) if (a.votes >= b.votes) expect(a.size).toBeGreaterThanOrEqual(b.size);
  };
  const words = many(120);
  check(show(words).placed, words);
  const cloud = new Cloud(measure);
  for (const by of [0, 1, 2, 5, 9]) {
    const now = sorted(words.map(({ text, votes }, i) => ({ text, votes: votes + (i % 3 === 0 ? by : 0) })));
    check(settle(cloud, now), now);
  }
});

test("a word that comes moves nothing, up to as many as there is room for", () => {
  const words = many(MOST).map(({ text }) => ({ text, votes: 1 }));
  const cloud = new Cloud(measure);
  for (let count = 1; count <= words.length; count++) {
    const before = cloud.placed;
    const after = settle(cloud, words.slice(0, count));
    expect([moved(before, after).length, faults(after).length], `${count} words`).toEqual([0, 0]);
    if (count <= 120) expect(cloud.rest.length, `${count} words`).toBe(0);
  }
});

test("a vote that makes no word larger changes nothing at all", () => {
  const words = many(100),
    cloud = show(words),
    before = cloud.placed;
  const last = words.at(-1)!;
  expect(settle(cloud, words.map((one) => (one === last ? { ...one, votes: one.votes + 0.01 } : one)))).toBe(before);
  expect(settle(cloud, [...words])).toBe(before);
}); // prettier-ignore

test("a word that runs ahead makes the others smaller where they are", () => {
  const words = many(60).map(({ text }) => ({ text, votes: 4 }));
  const cloud = show(words),
    before = cloud.placed;
  const [first, ...rest] = words;
  for (const votes of [5, 8, 13, 30, 80]) settle(cloud, [{ ...first!, votes }, ...rest]);
  const still = before.filter(({ text }) => text !== first!.text);
  const gone = moved(still, cloud.placed);
  // Those in whose places the word has grown have moved, and no others.
  const leader = boxOf(cloud.placed.find(({ text }) => text === first!.text)!);
  expect(cloud.placed[0]!.size / cloud.placed[1]!.size).toBeGreaterThan(2);
  for (const one of gone) {
    const was = boxOf(one);
    expect(was.left < leader.right && leader.left < was.right && was.top < leader.bottom).toBe(true);
  }
  expect(gone.length).toBeLessThan(4);
});

test("while a room says words few of them move, and never over one another", { timeout: SLOW }, () => {
  let moves = 0,
    far = 0,
    said = 0,
    early = 0,
    wrong = 0;
  const cloud = grow(500, (before, after) => {
    const places = new Map(after.map((one) => [one.text, one]));
    for (const { text, x, y } of moved(before, after)) {
      moves++;
      far += Math.hypot(places.get(text)!.x - x, places.get(text)!.y - y);
    }
    wrong += faults(after).length;
    if (++said === 100) early = moves;
  });
  expect(wrong).toBe(0);
  expect(cloud.placed.length).toBeGreaterThan(MOST - 5);
  // One word moves with every sixth vote, on average by less than a twelfth of the cloud's width.
  expect(moves).toBeLessThan(500 / 5);
  expect(far / moves).toBeLessThan(AREA.width / 12);
  expect(early).toBeLessThan(100 / 8);
});

test("words without a place are those with fewest votes, and come in where they are said more often", () => {
  const words = many(500),
    cloud = show(words);
  const inside = words.filter(({ text }) => cloud.placed.some((one) => one.text === text));
  const least = Math.min(...inside.map(({ votes }) => votes));
  for (const { votes } of cloud.rest) expect(votes).toBeLessThanOrEqual(least);
  const comes = cloud.rest.at(-1)!;
  const now = sorted(words.map((one) => (one.text === comes.text ? { ...one, votes: least + 5 } : one)));
  expect(settle(cloud, now).some(({ text }) => text === comes.text)).toBe(true);
  expect(cloud.placed.length).toBe(MOST);
});

test("a word that is hidden vanishes at once, and its neighbours stay", () => {
  const words = many(80),
    cloud = show(words),
    before = cloud.placed,
    [gone, ...rest] = words;
  cloud.want(rest, AREA);
  expect(cloud.placed.some(({ text }) => text === gone!.text)).toBe(false);
  cloud.step(ENOUGH);
  expect(faults(cloud.placed)).toEqual([]);
  expect(moved(before, cloud.placed).length).toBeLessThan(40);
});

test("a phrase that is wider than the area makes no other word smaller", () => {
  const words = many(10),
    long = { text: "ideograph東".repeat(9), votes: 2 };
  const area = { width: 63, height: 40 };
  const cloud = show(sorted([...words, long]), area);
  expect(cloud.rest).toEqual([long]);
  expect(cloud.placed).toEqual(show(words, area).placed);
});

test("the same words come to the same cloud, in one go or in steps", { timeout: SLOW }, () => {
  const words = many(160);
  expect(show(words).placed).toEqual(show(words).placed);
  const cloud = new Cloud(measure);
  cloud.want(words, AREA);
  while (cloud.busy) cloud.step(1);
  expect(cloud.placed).toEqual(show(words).placed);
  expect(grow(80, () => {}).placed).toEqual(grow(80, () => {}).placed);
});

test("a word that goes far is told from one that moves a little, each time anew", () => {
  const far = (one: Placed, other: Placed) => Math.hypot(one.x - other.x, one.y - other.y) > 12;
  let [hops, little] = [0, 0];
  grow(300, (before, after) => {
    const was = new Map(before.map((one) => [one.text, one]));
    for (const one of after) {
      const old = was.get(one.text);
      if (one === old) continue;
      const isAway = old !== undefined && far(one, old);
      expect([one.isAway, one.hops]).toEqual([isAway, (old?.hops ?? 0) + Number(isAway)]);
      hops += Number(isAway);
      little += Number(old !== undefined && !isAway && (one.x !== old.x || one.y !== old.y));
    }
  });
  expect([hops > 0, little > 0]).toEqual([true, true]);
});

test("words stay in the order in which they came, and those that have not changed are the same objects", () => {
  const words = [90, 90, 4, 1].map((votes, i) => ({ text: "abcd"[i]!, votes })),
    cloud = show(words),
    before = cloud.placed;
  // The second word overtakes the first one, and another one comes.
  const more = words.map((word) => (word.text === "b" ? { ...word, votes: 91 } : word));
  const after = settle(cloud, sorted([...more, { text: "e", votes: 2 }]));
  expect(after.map(({ text }) => text).join("")).toBe("abcde");
  expect(after.filter(({ leads }) => leads).map(({ text }) => text)).toEqual(["b"]);
  expect(before.filter((one, i) => one === after[i]).map(({ text }) => text)).toEqual(["b", "c", "d"]);
  expect(settle(cloud, [...more].reverse()).map(({ text }) => text).join("")).toBe("abcd"); // prettier-ignore
});

test("in an area that is a little lower or wider only words that stick out move, and back nothing does", () => {
  const words = many(40),
    cloud = show(words),
    before = cloud.placed;
  for (const [width, height] of [[119, 55.6], [113, 58], [110, 50], [125, 64]] as const) {
    const area = { width, height },
      last = cloud.placed;
    const outside = last.filter((one) => boxOf(one).bottom > height || boxOf(one).right > width);
    const after = settle(cloud, words, area);
    const where = `${width} × ${height}`;
    expect(faults(after, area), where).toEqual([]);
    expect(after.length, where).toBe(40);
    // A word that comes in may shift a neighbour.
    expect(moved(last, after).length, where).toBeLessThanOrEqual(2 * outside.length + 2);
    const still = after.filter(({ text, x, y }) => last.some((one) => one.text === text && one.x === x && one.y === y));
    expect(still.length, where).toBeGreaterThan(28);
  }
  const still = cloud.placed;
  expect(moved(still, settle(cloud, words))).toEqual([]);
  expect(moved(before, still).length).toBeLessThan(15);
  // Many small steps come to a great one, which begins anew.
  for (const height of [53, 48, 43]) settle(cloud, words, { ...AREA, height });
  expect(faults(cloud.placed, { ...AREA, height: 43 })).toEqual([]);
  expect(cloud.placed.map(({ x, y }) => [x, y])).toEqual(
    show(words, { ...AREA, height: 43 }).placed.map(({ x, y }) => [x, y]),
  );
}); // prettier-ignore

test("no word takes a place beside one that sticks out of the area", () => {
  for (const count of [10, 25, 40, 80, 150])
    for (const area of [{ width: 110, height: 50 }, { width: 100, height: 46 }, { width: 92, height: 58 }]) {
      const cloud = show(many(count));
      expect(faults(settle(cloud, many(count), area), area), `${count} words, ${area.width}`).toEqual([]);
    }
}); // prettier-ignore

test("an area that changes while words get their places is heeded", () => {
  const words = many(60),
    cloud = show(words.slice(0, 40));
  cloud.want(words, AREA);
  cloud.step(1);
  const low = { ...AREA, height: 54 };
  expect(faults(settle(cloud, words, low), low)).toEqual([]);
  expect(cloud.placed.length).toBe(60);
});

test("another area, or letters that measure otherwise, begin anew", () => {
  const words = many(30),
    cloud = show(words);
  const wide = { width: 169, height: 58 };
  const places = (placed: readonly Placed[]) => placed.map(({ text, size, x, y }) => [text, size, x, y]);
  expect(places(settle(cloud, words, wide))).toEqual(places(show(words, wide).placed));
  cloud.begin();
  expect(places(settle(cloud, words, wide))).toEqual(places(show(words, wide).placed));
});

test("500 words cost a bounded number of comparisons, and a step hardly more than it may", { timeout: SLOW }, () => {
  const words = many(500),
    cloud = new Cloud(measure);
  cloud.want(words, AREA);
  let most = 0;
  while (cloud.busy) {
    const before = cloud.work.done;
    cloud.step(1);
    most = Math.max(most, cloud.work.done - before);
  }
  expect(cloud.work.done).toBeLessThan(1_500_000);
  // The search for one word is the least that a step does.
  expect(most).toBeLessThan(25_000);
  let all = 0;
  grow(500, (_before, _after, { work }) => {
    all = work.done;
  });
  expect(all / 500).toBeLessThan(30_000);
});
