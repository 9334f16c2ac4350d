// Draws confetti for a winner: once, short, and only where the organiser asked for it and motion is wanted.

const LASTS = 1_400;
const PIECES = 140;
const GRAVITY = 1.9;

/**
 * Draws confetti over the page, from the middle of the right-hand third. It is gone after 1.4 s, or when the
 * returned function is called.
 */
export function confetti(): () => void {
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  if (!pen) return () => {};
  let frame = 0;
  const stop = () => {
    cancelAnimationFrame(frame);
    canvas.remove();
  };
  canvas.className = "confetti";
  canvas.ariaHidden = "true";
  canvas.width = innerWidth;
  canvas.height = innerHeight;
  document.body.append(canvas);
  const style = getComputedStyle(document.documentElement);
  const colours = ["--a", "--b", "--c", "--d", "--e", "--f"].map((name) => resolved(style.getPropertyValue(name)));
  const pieces = Array.from({ length: PIECES }, (_, i) => {
    const angle = Math.random() * 2 * Math.PI,
      speed = 0.35 + Math.random() * 0.9;
    return {
      x: Math.cos(angle) * speed,
      y: Math.sin(angle) * speed - 0.7,
      spin: Math.random() * 14 - 7,
      colour: colours[i % colours.length]!,
      size: 0.008 + Math.random() * 0.01,
    };
  });
  const begun = performance.now();
  const draw = (at: number) => {
    const t = Math.max(0, at - begun) / 1000,
      unit = canvas.height;
    if (t * 1000 >= LASTS) return stop();
    // The last piece of the previous frame has turned and moved the canvas's own axes.
    pen.resetTransform();
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.globalAlpha = Math.min(1, (LASTS / 1000 - t) * 3);
    for (const piece of pieces) {
      pen.setTransform(
        1,
        0,
        0,
        1,
        canvas.width * 0.72 + piece.x * t * unit,
        unit * 0.45 + (piece.y * t + (GRAVITY * t * t) / 2) * unit,
      );
      pen.rotate(piece.spin * t);
      pen.fillStyle = piece.colour;
      pen.fillRect(-piece.size * unit, (-piece.size * unit) / 2, 2 * piece.size * unit, piece.size * unit);
    }
    frame = requestAnimationFrame(draw);
  };
  frame = requestAnimationFrame(draw);
  return stop;
}

/** Returns a colour token as a canvas understands it: of light-dark() the colour that is shown. */
function resolved(token: string): string {
  const probe = document.createElement("span");
  probe.style.color = token;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
