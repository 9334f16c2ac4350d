// Sets pages in the fonts that rooms really have, and checks that every letter is whole in them. Noto Sans
// and Roboto are Debian's own; Segoe UI may not be passed on, so Noto Sans stands in with its measures.

import assert from "node:assert/strict";
import { PNG } from "pngjs";

/** The option of `person` that lets a font be put into pages, whose own policy allows no further style. */
export const STYLED = { bypassCSP: true };

export const FONTS = {
  "Noto Sans": { local: "NotoSans" },
  Roboto: { local: "Roboto" },
  "Segoe UI": {
    local: "NotoSans",
    measures: "ascent-override: 107.9%; descent-override: 25.1%; line-gap-override: 0%;",
  },
};

/** Sets every page of this context in this font. */
export async function setIn(context, name) {
  const { local, measures = "" } = FONTS[name];
  const face = (weight, style) =>
    `@font-face { font-family: hall; font-weight: ${weight}; src: local("${local}-${style}"); ${measures} }`;
  const css = `${face("100 500", "Regular")} ${face("501 900", "Bold")} :root { --font: hall, sans-serif !important; }`;
  await context.addInitScript((text) => {
    addEventListener("DOMContentLoaded", () => {
      // Elements of the document may be replaced; an adopted style sheet stays.
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(text);
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    });
  }, css);
}

/**
 * Asserts that no letter on the page is cut above or below: by the font's own measures, its ink lies inside
 * everything that clips it.
 */
export async function whole(page, where) {
  await page.evaluate(() => document.fonts.ready);
  assert.deepEqual(
    await page.evaluate(() => [...document.fonts].filter(({ status }) => status === "error").length),
    0,
    "the font is missing",
  );
  assert.deepEqual(await page.evaluate(inkOutside), [], where);
}

/** Finds ink outside of its clip. It runs in the page. */
export function inkOutside() {
  const pen = document.createElement("canvas").getContext("2d");
  /** Anti-aliasing may reach this many pixels further. */
  const SLACK = 1;
  const found = [];
  const clips = (node) => {
    const { overflowY, clipPath } = getComputedStyle(node);
    return overflowY !== "visible" || clipPath !== "none";
  };
  /** Returns the visible lines of a text, without those that a clamp leaves out. */
  const lines = (text, of) => {
    const range = document.createRange(),
      most = Number(getComputedStyle(of).webkitLineClamp) || Infinity;
    range.selectNodeContents(text);
    const all = [...range.getClientRects()],
      tops = [...new Set(all.map(({ top }) => Math.round(top)))].sort((a, b) => a - b);
    return all.filter(({ top }) => tops.indexOf(Math.round(top)) < most);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { parentElement: of, data } = texts.currentNode;
    // Text that is there for screen readers only is clipped on purpose.
    if (!data.trim() || !of.checkVisibility({ opacityProperty: true }) || of.closest(".hush, script, style, option"))
      continue;
    const style = getComputedStyle(of);
    if (style.writingMode !== "horizontal-tb") continue;
    pen.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const { fontBoundingBoxAscent, fontBoundingBoxDescent, actualBoundingBoxAscent, actualBoundingBoxDescent } =
      pen.measureText(data);
    for (const line of lines(texts.currentNode, of)) {
      const scale = line.height / (fontBoundingBoxAscent + fontBoundingBoxDescent);
      const baseline = line.top + fontBoundingBoxAscent * scale;
      const [top, bottom] = [baseline - actualBoundingBoxAscent * scale, baseline + actualBoundingBoxDescent * scale];
      for (let node = of; node && node !== document.documentElement; node = node.parentElement) {
        if (!clips(node) || node === document.body) continue;
        const box = node.getBoundingClientRect();
        const [above, below] = [box.top + node.clientTop, box.top + node.clientTop + node.clientHeight];
        // A clamp leaves out whole lines on purpose, so a line that has not begun is no cut letter.
        if (node.scrollHeight > node.clientHeight && /auto|scroll/.test(getComputedStyle(node).overflowY)) break;
        if (top >= below - SLACK || bottom <= above + SLACK || !node.clientHeight) break;
        if (bottom > below + SLACK || top < above - SLACK) {
          found.push(
            `"${data.trim().slice(0, 30)}" in ${node.nodeName}.${node.className}: ` +
              `${(bottom - below).toFixed(1)} px below, ${(above - top).toFixed(1)} px above`,
          );
          break;
        }
      }
    }
  }
  return found;
}

/** Letters that reach as far up and down as any, in the scripts that Debian's Noto covers. */
export const SCRIPTS = {
  Burmese: "မြန်မာ ဏ္ဍြ ကြွို့",
  Arabic: "اَلْخَيْرُ جِيٍّ قٍ",
  Khmer: "ស្ត្រី ខ្ញុំ ញ្ញុំ",
  Tibetan: "བསྒྲུབས་རྒྱུ ཧཱུྃ",
  Devanagari: "हिन्दी कॢ र्ट्रू द्ध्रू",
  Vietnamese: "Ặ Ẫ Ỗ Ể ự ợ gỵ",
};

/**
 * Asserts that all ink is on the screen that would be there if nothing were clipped, and no ink of lines that
 * are left out.
 */
export async function inked(page, where) {
  const missing = await page.evaluate(
    (texts) =>
      Object.keys(texts).filter((script) => {
        const pen = document.createElement("canvas").getContext("2d");
        pen.font = `100px ${getComputedStyle(document.body).fontFamily}`;
        // Without a font for the script each sign is the same box.
        return new Set([...texts[script].replaceAll(" ", "")].map((sign) => pen.measureText(sign).width)).size < 2;
      }),
    SCRIPTS,
  );
  assert.deepEqual(missing, [], "without a font: install fonts-noto-core");
  const shoot = async () => PNG.sync.read(await page.screenshot());
  const still = await page.addStyleTag({ content: "*, ::before, ::after { transition: none !important; }" });
  const shown = await shoot();
  await page.evaluate(unclip);
  const free = await shoot();
  await page.evaluate(() => window.clipAgain());
  await still.evaluate((node) => node.remove());
  const rows = {};
  let off = 0;
  for (let i = 0; i < shown.data.length; i += 4) {
    if ([0, 1, 2].reduce((sum, c) => sum + Math.abs(shown.data[i + c] - free.data[i + c]), 0) <= 60) continue;
    const y = Math.floor(i / 4 / shown.width);
    off++;
    (rows[y] ??= []).push((i / 4) % shown.width);
  }
  const places = Object.entries(rows).map(([y, xs]) => `${xs.length} at ${xs[0]}, ${y}`);
  assert.equal(off, 0, `${where}: ${off} pixels are not as without clipping: ${places.slice(0, 6).join("; ")}`);
}

/**
 * Takes the clip away from every element that holds text, and the ink from lines that are left out. It runs
 * in the page.
 */
function unclip() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    [data-clips] { overflow: clip visible !important; clip-path: none !important; animation: none !important; }
    ::highlight(rest) { color: transparent; }`);
  const rest = new Highlight(),
    clips = [];
  for (const node of document.querySelectorAll("body *")) {
    const style = getComputedStyle(node),
      most = Number(style.webkitLineClamp);
    if (style.overflowY === "visible" || !node.textContent.trim() || node.closest(".hush")) continue;
    clips.push(node);
    if (!most) continue;
    const range = document.createRange(),
      tops = [];
    const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      for (let i = 0; i < texts.currentNode.length; i++) {
        range.setStart(texts.currentNode, i);
        range.setEnd(texts.currentNode, i + 1);
        const [box] = range.getClientRects();
        if (!box) continue;
        const middle = (box.top + box.bottom) / 2;
        if (!tops.some((top) => Math.abs(top - middle) < box.height / 4)) tops.push(middle);
        if (tops.length <= most) continue;
        const left = range.cloneRange();
        left.setEnd(node, node.childNodes.length);
        rest.add(left);
        break;
      }
      if (tops.length > most) break;
    }
  }
  for (const node of clips) node.dataset.clips = "";
  CSS.highlights.set("rest", rest);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  window.clipAgain = () => {
    CSS.highlights.delete("rest");
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
    for (const node of clips) delete node.dataset.clips;
  };
}
