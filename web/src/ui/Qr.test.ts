// Tests that a camera would read the QR code.

import { render } from "@testing-library/svelte";
import jsqr from "jsqr";
import { expect, test } from "vitest";
import Qr from "./Qr.svelte";

/** Returns the pixels of a path of rectangles, four to a module. */
function paint(svg: SVGElement): { pixels: Uint8ClampedArray; width: number } {
  const size = Number(svg.getAttribute("viewBox")!.split(" ")[2]),
    scale = 4,
    width = size * scale;
  const pixels = new Uint8ClampedArray(width * width * 4).fill(255);
  for (const [, x, y, run] of svg
    .querySelector("path")!
    .getAttribute("d")!
    .matchAll(/M(\d+) (\d+)h(\d+)/g)) {
    for (let row = 0; row < scale; row++) {
      const from = (Number(y) * scale + row) * width + Number(x) * scale;
      for (let i = from; i < from + Number(run) * scale; i++) pixels.set([0, 0, 0, 255], i * 4);
    }
  }
  return { pixels, width };
}

test.each(["http://192.168.1.5:5000/p/482913", `https://polls.example/p/${"x".repeat(300)}`])("%s", (text) => {
  const { container } = render(Qr, { text });
  const { pixels, width } = paint(container.querySelector("svg")!);
  expect(jsqr(pixels, width, width)?.data).toBe(text);
});
