/** The inputs that the page holds. */
class Inputs {
  constructor(description, labels, arrays) {
    Object.assign(this, description);
    this.labels = labels;
    this.held = arrays.get(description.held); // their numbers among the points on the map
    this.stored = arrays.get(description.values);
    this.size = this.shape.reduce((a, b) => a * b, 1);
  }

  /** The values of the k-th of them, as the model takes them. */
  get(k) {
    const stored = this.stored.subarray(k * this.size, (k + 1) * this.size);
    const [low, high] = this.range;
    return this.kind === "image" ? Float32Array.from(stored, (v) => low + (v / 255) * (high - low)) : stored.slice();
  }

  /** Which of them is nearest to a place on a map. */
  nearest([a, b], places) {
    const distance = (point) => Math.hypot(places[2 * point] - a, places[2 * point + 1] - b);
    return this.held.reduce((best, point, k) => (distance(point) < distance(this.held[best]) ? k : best), 0);
  }

  /** The mean squared error per value and, of values in [0, 1], the binary cross-entropy. */
  errors(x, reconstruction) {
    const mean = (f) => x.reduce((sum, value, i) => sum + f(value, reconstruction[i]), 0) / x.length;
    const unit = this.hasRange && this.range[0] === 0 && this.range[1] === 1;
    const isShare = unit && reconstruction.every((value) => value >= 0 && value <= 1);
    const logs = (p) => Math.log(clip(p, 1e-7, 1 - 1e-7));
    return {
      mse: mean((a, b) => (a - b) ** 2),
      bce: isShare ? mean((a, b) => -a * logs(b) - (1 - a) * logs(1 - b)) : null,
    };
  }
}

/** Draws inputs and reconstructions that are images. */
class ImagePainter {
  constructor({ shape, range }) {
    [this.height, this.width, this.channels] = shape;
    this.range = range;
  }

  pixels(values) {
    const [low, high] = this.range;
    const image = new ImageData(this.width, this.height);
    for (let p = 0; p < this.width * this.height; p++) {
      for (let c = 0; c < 3; c++) {
        const value = values[p * this.channels + (this.channels === 3 ? c : 0)];
        image.data[4 * p + c] = Math.round((255 * (value - low)) / (high - low)); // clipped by its type
      }
      image.data[4 * p + 3] = 255;
    }
    return image;
  }

  show(canvas, values) {
    if (canvas.width !== this.width || canvas.height !== this.height) {
      [canvas.width, canvas.height] = [this.width, this.height];
    }
    if (values) canvas.getContext("2d").putImageData(this.pixels(values), 0, 0);
  }

  /** A canvas of its own with an image; with a color, gray ink of this color on nothing. */
  stamp(values, color = null) {
    const canvas = document.createElement("canvas");
    this.show(canvas, values);
    if (color && this.channels === 1) {
      const context = canvas.getContext("2d");
      const image = this.pixels(values);
      for (let i = 0; i < image.data.length; i += 4) image.data[i + 3] = image.data[i];
      context.putImageData(image, 0, 0);
      context.globalCompositeOperation = "source-in";
      context.fillStyle = color;
      context.fillRect(0, 0, canvas.width, canvas.height);
    }
    return canvas;
  }
}

/** Draws points of the plane over the data and, for codes of one number, over the curve of all that can be decoded. */
class PointPainter {
  constructor(inputs) {
    this.inputs = inputs;
    const places = [0, 1].map((side) => inputs.stored.filter((_, i) => i % 2 === side));
    this.low = places.map((values) => Math.min(...values));
    this.high = places.map((values) => Math.max(...values));
    this.half = 0.6 * Math.max(this.high[0] - this.low[0], this.high[1] - this.low[1]);
  }

  /** Pixels of a point, on a canvas with sides of one length. */
  place(canvas, [x, y]) {
    const scale = canvas.width / (2 * this.half);
    const middle = [0, 1].map((side) => (this.low[side] + this.high[side]) / 2);
    return [canvas.width / 2 + (x - middle[0]) * scale, canvas.width / 2 - (y - middle[1]) * scale];
  }

  /** The point at pixels. */
  point(canvas, [left, top]) {
    const scale = canvas.width / (2 * this.half);
    const middle = [0, 1].map((side) => (this.low[side] + this.high[side]) / 2);
    return [middle[0] + (left - canvas.width / 2) / scale, middle[1] - (top - canvas.width / 2) / scale];
  }

  show(canvas, output, input = null, curve = null) {
    canvas.width = canvas.height = 384;
    const context = canvas.getContext("2d");
    for (let k = 0; k < this.inputs.held.length; k++) {
      this.dot(context, this.inputs.get(k), 3, this.inputs.labels.color(this.inputs.held[k]), 0.5);
    }
    if (curve) {
      line(context, curve.map((point) => this.place(canvas, point)), themed("ink"), 3);
    }
    if (output && input) {
      line(context, [input, output].map((point) => this.place(canvas, point)), themed("accent"), 3);
    }
    if (input) this.dot(context, input, 9, themed("ink"));
    if (output) this.dot(context, output, 9, themed("accent"));
  }

  dot(context, point, radius, color, alpha = 1) {
    context.globalAlpha = alpha;
    context.fillStyle = color;
    context.beginPath();
    context.arc(...this.place(context.canvas, point), radius, 0, 7);
    context.fill();
    context.globalAlpha = 1;
  }
}

/** Draws rows of tables and series: values over columns or steps, one line per channel; inputs are dashed. */
class CurvePainter {
  constructor(inputs) {
    this.channels = inputs.shape.length > 1 ? inputs.shape[1] : 1;
    this.steps = inputs.shape[0];
    this.low = inputs.stored.reduce((a, b) => Math.min(a, b), Infinity);
    this.high = inputs.stored.reduce((a, b) => Math.max(a, b), -Infinity);
  }

  show(canvas, output, input = null) {
    [canvas.width, canvas.height] = [384, 256];
    const context = canvas.getContext("2d");
    const y = (value) => 246 - (236 * (value - this.low)) / (this.high - this.low || 1);
    const x = (step) => 10 + (364 * step) / Math.max(this.steps - 1, 1);
    for (const [values, color, dashes] of [[input, themed("ink"), [6, 6]], [output, themed("accent"), []]]) {
      if (!values) continue;
      context.setLineDash(dashes);
      for (let c = 0; c < this.channels; c++) {
        const points = Array.from({ length: this.steps }, (_, i) => [x(i), y(values[i * this.channels + c])]);
        line(context, points, color, 3);
      }
    }
  }
}

const PAINTERS = { image: ImagePainter, point: PointPainter, curve: CurvePainter };

/** Draw a line through points. */
function line(context, points, color, width) {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.beginPath();
  for (const point of points) context.lineTo(...point);
  context.stroke();
}
