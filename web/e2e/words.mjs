// Holds words for tests of clouds: as many different ones as a poll shows, in the scripts that rooms write in.

const HEADS = [
  "trust",
  "speed",
  "joy",
  "calm",
  "rust",
  "tea",
  "open",
  "night",
  "clear",
  "small",
  "brave",
  "green",
  "quick",
];
const TAILS = ["", "er", "ness", " first", "ly", "build", " team", "work", "ful", "s and bolts", "ing", "craft", "way"];
const ELSEWHERE = [
  "مرحبا",
  "שלום",
  "हिन्दी",
  "पारदर्शिता",
  "東京",
  "透明性",
  "ありがとう",
  "안녕하세요",
  "ไว้วางใจ",
  "Привет",
  "Ελλάδα",
  "Größe",
  "C++",
  "🎉🎉",
  "ငြိမ်းချမ်းရေး",
  "الثقة والشفافية",
  "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
  "a place where mistakes are welcome",
  "Donaudampfschifffahrtsgesellschaft",
];

/** Six hundred different words; every twentieth is in another script, or is long. */
export const manyWords = (() => {
  const all = new Set();
  for (let i = 0; all.size < 600; i++) {
    const head = HEADS[(i * 7) % HEADS.length],
      tail = TAILS[(i * 5 + Math.floor(i / HEADS.length)) % TAILS.length];
    const round = Math.floor(i / (HEADS.length * TAILS.length));
    all.add(
      i % 20 === 4 ? (ELSEWHERE[(i - 4) / 20] ?? `${head} ${i}`) : `${head}${tail}${round ? ` ${round + 1}` : ""}`,
    );
  }
  return [...all];
})();
