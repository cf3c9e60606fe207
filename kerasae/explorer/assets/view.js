/** The part of the plane of codes that a map shows. Lengths are the same in all directions. */
class View {
  constructor(plane) {
    this.isLine = plane.axes.length === 1; // of codes of one number: the second direction means nothing
    const ends = plane.labels.map((_, side) => [plane.low[side], plane.high[side]]);
    this.whole = {
      middle: this.isLine ? [(ends[0][0] + ends[0][1]) / 2, 0] : ends.map(([low, high]) => (low + high) / 2),
      half: Math.max(...ends.map(([low, high]) => (high - low) / 2)), // of the width
    };
    [this.width, this.height] = [1, 1]; // pixels
    this.reset();
  }

  reset() {
    Object.assign(this, structuredClone(this.whole));
  }

  /** Show a smaller part (factor above 1) or a larger one around a place. */
  zoom(factor, [a, b]) {
    this.half /= factor;
    this.middle = [a + (this.middle[0] - a) / factor, b + (this.middle[1] - b) / factor];
  }

  /** Pixels per unit. */
  get scale() {
    return this.width / (2 * this.half);
  }

  toPixels([a, b]) {
    return [this.width / 2 + (a - this.middle[0]) * this.scale, this.height / 2 - (b - this.middle[1]) * this.scale];
  }

  fromPixels([x, y]) {
    return [this.middle[0] + (x - this.width / 2) / this.scale, this.middle[1] - (y - this.height / 2) / this.scale];
  }

  /** Round numbers between the ends of an axis, three to seven of them. */
  ticks(side) {
    const rough = this.half / 3.5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((digit) => digit * power).find((width) => width >= rough);
    const first = Math.ceil((this.middle[side] - this.half) / step);
    const last = Math.floor((this.middle[side] + this.half) / step);
    return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
  }
}
