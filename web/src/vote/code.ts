// Reads codes as people type them: with spaces and dashes, in digits of their own script, or as the whole
// address.

const ADDRESS = /\/(?:p|polls|present|overlay|embed)\/([^/?#\s]+)/;
/** The zeros of Arabic, Persian, Devanagari and full-width digits. */
const ZEROS = [0x660, 0x6f0, 0x966, 0xff10];

/** The fewest digits of a code. */
export const SHORTEST = 6;

const plainDigit = (digit: string): string => {
  const point = digit.codePointAt(0)!;
  const zero = ZEROS.find((first) => point >= first && point < first + 10);
  return zero === undefined ? digit : `${point - zero}`;
};

/** Returns the code or id in what was typed; "" when there is none. */
export function tidyCode(typed: string): string {
  const address = ADDRESS.exec(typed)?.[1];
  if (address !== undefined) return address.toLowerCase();
  return typed
    .replace(/\p{Nd}/gu, plainDigit)
    .replace(/[^0-9a-z]/gi, "")
    .toLowerCase();
}
