/** The part of the plane of codes that a map shows: a square, so that lengths are the same in all directions. */
class View {
  constructor(plane) {
    const [low, high] = [plane.low, plane.high].map((ends) => [ends[0], ends[1] ?? (plane.low[0] + plane.high[0]) / 2]);
    this.whole = {
      middle: low.map((end, side) => (end + high[side]) / 2),
      half: Math.max(...low.map((end, side) => (high[side] - end) / 2)),
    };
    if (plane.axes.length === 1) this.whole.middle[1] = 0;
    this.size = 1; // pixels
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

  toPixels([a, b]) {
    const scale = this.size / (2 * this.half);
    return [this.size / 2 + (a - this.middle[0]) * scale, this.size / 2 - (b - this.middle[1]) * scale];
  }

  fromPixels([x, y]) {
    const scale = this.size / (2 * this.half);
    return [this.middle[0] + (x - this.size / 2) / scale, this.middle[1] - (y - this.size / 2) / scale];
  }

  /** Three to seven round numbers between the ends of an axis. */
  ticks(side) {
    const rough = this.half / 2.5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((digit) => digit * power).find((width) => width >= rough);
    const first = Math.ceil((this.middle[side] - this.half) / step);
    const last = Math.floor((this.middle[side] + this.half) / step);
    return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
  }
}
