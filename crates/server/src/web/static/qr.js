// QR codes (ISO/IEC 18004): byte mode, versions 1 to 10, error correction level M, which
// survives 15 % of damage: a projector seen from the back row.

/** Per version: error-correction codewords per block, blocks, data codewords in all. */
const LEVEL_M = [
  [10, 1, 16], [16, 1, 28], [26, 1, 44], [18, 2, 64], [24, 2, 86],
  [16, 4, 108], [18, 4, 124], [22, 4, 154], [22, 5, 182], [26, 5, 216],
];
const QUIET = 4;

/** Draw `text` into an <svg>; leaves it empty when the text is too long. */
export function drawQr(svg, text) {
  const modules = encode(new TextEncoder().encode(text));
  if (!modules) return svg.replaceChildren();
  const size = modules.length + 2 * QUIET;
  const path = document.createElementNS(svg.namespaceURI, "path");
  let d = "";
  modules.forEach((row, y) => row.forEach((dark, x) => {
    if (dark) d += `M${x + QUIET} ${y + QUIET}h1v1h-1z`;
  }));
  path.setAttribute("d", d);
  path.setAttribute("fill", "#000");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.replaceChildren(path);
}

/** Rows of booleans, true is dark; null when the bytes do not fit version 10. */
export function encode(bytes) {
  const index = LEVEL_M.findIndex(([, , room], i) => bytes.length + (i < 9 ? 2 : 3) <= room);
  if (index < 0) return null;
  const version = index + 1;
  const stream = interleave(dataCodewords(bytes, version), LEVEL_M[index]);
  const { modules, fixed } = patterns(version);
  place(stream, modules, fixed);
  let best = null, least = Infinity;
  for (let mask = 0; mask < 8; mask++) {
    const masked = modules.map((row, y) => row.map((dark, x) => (fixed[y][x] ? dark : dark !== MASKS[mask](x, y))));
    format(masked, mask);
    const cost = penalty(masked);
    if (cost < least) [best, least] = [masked, cost];
  }
  return best;
}

// ---- codewords ----

function dataCodewords(bytes, version) {
  const [, , room] = LEVEL_M[version - 1];
  let bits = "0100" + bytes.length.toString(2).padStart(version < 10 ? 8 : 16, "0");
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
  bits += "0".repeat(Math.min(4, room * 8 - bits.length));
  bits += "0".repeat((8 - (bits.length % 8)) % 8);
  const words = bits.match(/.{8}/g).map((octet) => parseInt(octet, 2));
  for (let pad = 0xec; words.length < room; pad ^= 0xec ^ 0x11) words.push(pad);
  return words;
}

function interleave(words, [check, count, room]) {
  const short = Math.floor(room / count), long = room % count;
  const blocks = [];
  for (let i = 0, at = 0; i < count; i++) {
    const length = short + (i >= count - long ? 1 : 0);
    blocks.push(words.slice(at, at += length));
  }
  const checks = blocks.map((block) => reedSolomon(block, check));
  const stream = [];
  for (let i = 0; i <= short; i++) for (const block of blocks) if (i < block.length) stream.push(block[i]);
  for (let i = 0; i < check; i++) for (const rest of checks) stream.push(rest[i]);
  return stream;
}

/** Multiplication in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1. */
function times(a, b) {
  let product = 0;
  for (let i = 7; i >= 0; i--) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    if ((b >> i) & 1) product ^= a;
  }
  return product;
}

function reedSolomon(block, degree) {
  const divisor = new Array(degree).fill(0);
  divisor[degree - 1] = 1;
  for (let i = 0, root = 1; i < degree; i++, root = times(root, 2)) {
    for (let j = 0; j < degree; j++) divisor[j] = times(divisor[j], root) ^ (divisor[j + 1] ?? 0);
  }
  const rest = new Array(degree).fill(0);
  for (const word of block) {
    const factor = word ^ rest.shift();
    rest.push(0);
    divisor.forEach((coefficient, i) => { rest[i] ^= times(coefficient, factor); });
  }
  return rest;
}

// ---- modules ----

function patterns(version) {
  const size = 17 + 4 * version;
  const grid = () => Array.from({ length: size }, () => new Array(size).fill(false));
  const modules = grid(), fixed = grid();
  const set = (x, y, dark) => {
    if (x < 0 || y < 0 || x >= size || y >= size) return;
    modules[y][x] = dark;
    fixed[y][x] = true;
  };
  for (let i = 0; i < size; i++) {
    set(6, i, i % 2 === 0);
    set(i, 6, i % 2 === 0);
  }
  const square = (cx, cy, radius, light) => {
    for (let dy = -radius; dy <= radius; dy++) for (let dx = -radius; dx <= radius; dx++) {
      set(cx + dx, cy + dy, !light.includes(Math.max(Math.abs(dx), Math.abs(dy))));
    }
  };
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) square(x, y, 4, [2, 4]);
  const last = size - 7;
  const lines = version === 1 ? [] : version < 7 ? [6, last] : [6, (6 + last) / 2, last];
  for (const x of lines) for (const y of lines) {
    const corner = (x === 6 && y === 6) || (x === 6 && y === last) || (x === last && y === 6);
    if (!corner) square(x, y, 2, [1]);
  }
  if (version >= 7) {
    const bits = (version << 12) | remainder(version, 12, 0x1f25);
    for (let i = 0; i < 18; i++) {
      const dark = ((bits >> i) & 1) === 1, far = size - 11 + (i % 3), near = Math.floor(i / 3);
      set(far, near, dark);
      set(near, far, dark);
    }
  }
  // Room for the format, which is written once the mask is known.
  for (let i = 0; i < 9; i++) { set(8, i, modules[i][8]); set(i, 8, modules[8][i]); }
  for (let i = 0; i < 8; i++) { set(size - 1 - i, 8, false); set(8, size - 1 - i, false); }
  set(8, size - 8, true);
  return { modules, fixed };
}

/** The remainder of `value` · x^shift by a generator polynomial. */
function remainder(value, shift, generator) {
  let rest = value << shift;
  for (let bit = 31; bit >= shift; bit--) if ((rest >>> bit) & 1) rest ^= generator << (bit - shift);
  return rest;
}

/** Fifteen bits, twice: level M is 00, then the mask. */
function format(modules, mask) {
  const size = modules.length;
  const bits = ((mask << 10) | remainder(mask, 10, 0x537)) ^ 0x5412;
  for (let i = 0; i < 15; i++) {
    const dark = ((bits >> i) & 1) === 1;
    if (i < 6) modules[i][8] = dark;
    else if (i < 8) modules[i + 1][8] = dark;
    else if (i === 8) modules[8][7] = dark;
    else modules[8][14 - i] = dark;
    if (i < 8) modules[8][size - 1 - i] = dark;
    else modules[size - 15 + i][8] = dark;
  }
}

/** Two columns at a time from the right, up and down in turns, past whatever is fixed. */
function place(stream, modules, fixed) {
  const size = modules.length;
  let bit = 0, up = true;
  for (let right = size - 1; right > 0; right -= 2, up = !up) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step++) {
      const y = up ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (fixed[y][x]) continue;
        modules[y][x] = (((stream[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
        bit++;
      }
    }
  }
}

const MASKS = [
  (x, y) => (x + y) % 2 === 0,
  (x, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** How hard it is to read: long runs, blocks, look-alikes of the corners, imbalance. */
function penalty(modules) {
  const size = modules.length;
  let cost = 0, dark = 0;
  const columns = modules.map((_, x) => modules.map((row) => row[x]));
  for (const line of [...modules, ...columns]) {
    const text = line.map((on) => (on ? "1" : "0")).join("");
    for (const run of text.match(/0{5,}|1{5,}/g) ?? []) cost += run.length - 2;
    cost += 40 * (text.match(/(?=10111010000|00001011101)/g) ?? []).length;
  }
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) {
    dark += modules[y][x];
    if (y && x && modules[y][x] === modules[y - 1][x] && modules[y][x] === modules[y][x - 1]
      && modules[y][x] === modules[y - 1][x - 1]) cost += 3;
  }
  return cost + 10 * Math.floor(Math.abs((dark * 20) / (size * size) - 10));
}
