// Says what a text is, as crates/core/src/text.rs says it: how what people write is kept, compared and counted.
// crates/core/tests/texts.json has examples that both are held to. The server decides; a form that keeps to the
// same rules can tell at once.

const UNSEEN = /[\p{Default_Ignorable_Code_Point}\uFFF9-\uFFFB]/u;
// The empty Braille cell is no white space to Unicode.
const SPACE = /[\p{White_Space}\u2800]/u;
const DIRECTION = /[\u061C\u200E\u200F]/;
const JOINER = /[\u034F\u180E\u200C\u200D]/;
const SELECTOR = /[\u180B-\u180D\u180F\uFE00-\uFE0F\u{E0100}-\u{E01EF}]/u;
/** A black flag with the name of a region in tags, or one character. */
const NEXT = /\u{1F3F4}[\u{E0020}-\u{E007E}]+\u{E007F}|[^]/gu;
/** The parts of a normal text that make no difference to the eye. Tags that are left in it belong to a flag. */
const NO_DIFFERENCE = /(?![\u{E0020}-\u{E007F}])[\p{Default_Ignorable_Code_Point}\uFFF9-\uFFFB]/gu;

/** Returns the text in the form in which it is kept. */
export function normal(text: string): string {
  let kept = "",
    before = "",
    space = false,
    after = "";
  for (const [next] of text.normalize("NFC").matchAll(NEXT)) {
    if (SPACE.test(next)) space = true;
    else if (DIRECTION.test(next)) {
      if (space) after ||= next;
      else before ||= next;
    } else if (JOINER.test(next) || SELECTOR.test(next)) {
      if (!space && !before && takes(kept, next)) kept += next;
    } else if (next.length > 2 || !UNSEEN.test(next)) {
      kept += kept ? before + (space ? " " : "") + after + next : (before || after) + next;
      [before, space, after] = ["", false, ""];
    }
  }
  // Leaving something out may have brought letters and their accents together.
  return (kept && kept + (before || after)).normalize("NFC");
}

/** Returns whether a joiner or a selector can have an effect after what is written. */
function takes(kept: string, next: string): boolean {
  const last = [...kept.slice(-2)].at(-1);
  if (last === undefined || JOINER.test(last)) return false;
  if (SELECTOR.test(next) && (SELECTOR.test(last) || /[0-9#*]/.test(last))) return !SELECTOR.test(last);
  return last > "\u007F";
}

/** Returns what a text is compared by: two texts have the same key if they look the same. */
export function keyOf(text: string): string {
  return normal(text)
    .replace(NO_DIFFERENCE, "")
    .replace(/[\u2010\u2011]/g, "-")
    .normalize("NFC");
}

/** Returns how many characters a text has, as people count them. Old browsers count code points. */
export function lengthOf(text: string): number {
  const kept = normal(text);
  if (!("Segmenter" in Intl)) return [...keyOf(kept)].length;
  const clusters = new Intl.Segmenter("en", { granularity: "grapheme" }).segment(kept);
  return [...clusters].filter(({ segment }) => [...segment].some((c) => !UNSEEN.test(c))).length;
}

/** The bullets that are nothing else; U+F0A7 and U+F0B7 are Word's own. Its hollow one is an o with a tab. */
const BULLET = /^(?:[•◦‣⁃∙▪▫■□●○◆◇➢➤☐☑\uF0A7\uF0B7]\s+|o\t)(?=\S)/;
/** The signs that may be bullets, and may be a part of the text. */
const DASH = /^[-–—*·]\s+(?=[^\s\d])/;
/** The number of a numbered list, or the letter of a lettered one, and the space after it. */
const NUMBER = /^(?:(\d{1,3})[.)]\s+|\(?(\d{1,3}|[A-Za-z])\)\s+|(\d{1,3}|[A-Za-z])\.?\t)(?=\S)/;

/**
 * Returns the texts of a list that was copied from a spreadsheet, a text program or a page: its lines and cells,
 * without bullets and numbers.
 */
export function listed(pasted: string): string[] {
  const split = pasted.split(/\r\n|[\r\n\v\f\u0085\u2028\u2029]/).map((line) => line.trim());
  return unnumbered(unmarked(split.filter(Boolean)))
    .flatMap((line) => line.split("\t"))
    .map(normal)
    .filter(Boolean);
}

/** Takes bullets off; dashes and their like only where every line of several has a bullet. */
function unmarked(lines: string[]): string[] {
  const all = lines.length > 1 && lines.every((line) => BULLET.test(line) || DASH.test(line));
  return lines.map((line) => line.replace(BULLET.test(line) || !all ? BULLET : DASH, ""));
}

/**
 * Takes numbers and letters off if they count the lines from the first one on. Texts begin with numbers, too:
 * "1. FC Köln", and "1. Klasse" before "2. Klasse", of which nothing else would be left to tell them apart.
 */
function unnumbered(lines: string[]): string[] {
  const signs = lines.map((line) => NUMBER.exec(line)?.slice(1).find(Boolean));
  const places = signs.map((sign) => (sign && /\D/.test(sign) ? sign.toLowerCase().charCodeAt(0) - 96 : Number(sign)));
  const counts = places.every((place, i) => place === i + 1);
  const alone = lines.length === 1 && !/^\S+\t/.test(lines[0]!);
  if (!counts || alone) return lines;
  const bare = lines.map((line) => line.replace(NUMBER, ""));
  return new Set(bare.map(keyOf)).size === bare.length ? bare : lines;
}
