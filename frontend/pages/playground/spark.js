// A small chart of the last minutes. Knows lines and their frame, not what they mean.

import { makeSvg } from "./dom.js";

const WIDTH = 300;
const HEIGHT = 64;
const PAD = 2;

export class Spark {
  #line = makeSvg("path", { class: "line" });
  #area = makeSvg("path", { class: "area" });

  constructor() {
    const frame = { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" };
    const ground = makeSvg("path", { class: "ground", d: `M0 ${HEIGHT - PAD}H${WIDTH}` });
    this.element = makeSvg("svg", frame, ground, this.#area, this.#line);
  }

  /** Pieces of `[seconds ago, value]`; the frame is `spanS` wide and `most` high. */
  show(pieces, spanS, most) {
    const placed = pieces.map((piece) => piece.map((point) => placeOf(point, spanS, most)));
    this.#line.setAttribute("d", placed.map(lineOf).join(""));
    this.#area.setAttribute("d", placed.map(areaOf).join(""));
  }
}

function placeOf([ago, value], spanS, most) {
  const x = WIDTH * (1 - ago / spanS);
  const y = HEIGHT - PAD - (HEIGHT - 2 * PAD) * (most > 0 ? value / most : 0);
  return [x.toFixed(1), y.toFixed(1)];
}

function lineOf(points) {
  return `M${points.map((point) => point.join(" ")).join("L")}`;
}

function areaOf(points) {
  return `${lineOf(points)}V${HEIGHT - PAD}H${points[0][0]}Z`;
}

/** The next number above that is easy to read: 1, 2, 5, 10, 20, 50, ... */
export function roundUp(value) {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}
