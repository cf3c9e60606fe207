/** Sums of the values above and to the left, so that the mean of any box takes four look-ups. */
class BoxMeans {
  constructor(values, width, height) {
    Object.assign(this, { width, height });
    this.sums = new Float64Array((width + 1) * (height + 1));
    for (let y = 0; y < height; y++) {
      for (let x = 0, row = 0; x < width; x++) {
        row += values[y * width + x];
        this.sums[(y + 1) * (width + 1) + x + 1] = this.sums[y * (width + 1) + x + 1] + row;
      }
    }
  }

  /** The sum up to a place between pixels, which is interpolated. */
  upTo(x, y) {
    [x, y] = [clip(x, 0, this.width), clip(y, 0, this.height)];
    const [left, top] = [Math.min(Math.floor(x), this.width - 1), Math.min(Math.floor(y), this.height - 1)];
    const [right, down] = [x - left, y - top];
    const at = (i, j) => this.sums[j * (this.width + 1) + i];
    const upper = at(left, top) * (1 - right) + at(left + 1, top) * right;
    return upper * (1 - down) + (at(left, top + 1) * (1 - right) + at(left + 1, top + 1) * right) * down;
  }

  /** The mean over a box; outside of the image, values are 0. */
  mean(x0, y0, x1, y1) {
    const sum = this.upTo(x1, y1) - this.upTo(x0, y1) - this.upTo(x1, y0) + this.upTo(x0, y0);
    return sum / ((x1 - x0) * (y1 - y0));
  }
}

/** The smallest box around all ink and the center of mass of the ink, in pixels; null without any. */
function extentOfInk(ink, width, height) {
  let [left, right, top, bottom, total, x0, y0] = [width, -1, height, -1, 0, 0, 0];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (ink[i] <= 0.05) continue;
      [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
      total += ink[i];
      x0 += ink[i] * (x + 0.5);
      y0 += ink[i] * (y + 0.5);
    }
  }
  return total ? { side: Math.max(right - left, bottom - top) + 1, x: x0 / total, y: y0 / total } : null;
}

/**
 * A drawing as a small image: the mean over the part of the drawing that each pixel covers.
 *
 * @param {Float32Array[]} channels Ink between 0 and 1, one array per channel.
 * @param {{width: number, height: number}} drawing Its size.
 * @param {{width: number, height: number}} image The size wanted.
 * @param {{center: number[], side: number}?} placement Where the center of mass goes (row, column) and how long the
 *     longer side of the box around the ink becomes, as MNIST's digits were prepared; null to keep place and size.
 * @returns {Float32Array} Channels of each pixel side by side.
 */
function shrunk(channels, drawing, image, placement) {
  const extent = placement && extentOfInk(channels[0], drawing.width, drawing.height);
  let scale = Math.max(drawing.width / image.width, drawing.height / image.height); // drawn pixels per pixel
  let [x0, y0] = [(drawing.width - scale * image.width) / 2, (drawing.height - scale * image.height) / 2];
  if (extent) {
    scale = extent.side / placement.side;
    [x0, y0] = [extent.x - scale * placement.center[1], extent.y - scale * placement.center[0]];
  }
  const out = new Float32Array(image.width * image.height * channels.length);
  channels.forEach((ink, c) => {
    const boxes = new BoxMeans(ink, drawing.width, drawing.height);
    for (let y = 0, i = c; y < image.height; y++) {
      for (let x = 0; x < image.width; x++, i += channels.length) {
        const [left, top] = [x0 + x * scale, y0 + y * scale];
        out[i] = clip(boxes.mean(left, top, left + scale, top + scale), 0, 1);
      }
    }
  });
  return out;
}
