/** Orthogonal directions in the space of codes, and the coordinates of a code along them. */
class Basis {
  constructor({ axes, labels, low, high }, origin, arrays) {
    const numbers = arrays.get(axes);
    this.axes = labels.map((_, k) => numbers.subarray(k * origin.length, (k + 1) * origin.length));
    Object.assign(this, { labels, low, high, origin });
  }

  coordinate(code, k) {
    return this.axes[k].reduce((sum, a, i) => sum + a * (code[i] - this.origin[i]), 0);
  }

  /** Move a code along direction k until its coordinate has a value; the other coordinates stay. */
  move(code, k, value) {
    const step = value - this.coordinate(code, k);
    this.axes[k].forEach((a, i) => (code[i] += step * a));
  }
}

/** An autoencoder with what is known of its codes. Codes and inputs are flat arrays. */
class Autoencoder {
  constructor(description, arrays) {
    Object.assign(this, description);
    this.encoderProgram = new Program(description.encoder, arrays);
    this.decoderProgram = new Program(description.decoder, arrays);
    const { codes } = description;
    const origin = arrays.get(codes.origin);
    this.center = arrays.get(codes.center);
    this.plane = new Basis(codes.plane, origin, arrays);
    this.sliders = new Basis(codes.sliders, origin, arrays);
    this.places = arrays.get(codes.places); // two for each input on the map
    this.random = codes.random && { axes: arrays.get(codes.random.axes), stddev: codes.random.stddev };
  }

  /** @returns {{code: Float32Array, variance: Float32Array?}} The code, and the variances of a posterior. */
  encode(x, label) {
    const [code, logVariance] = this.encoderProgram.run(this.given(x, label));
    return { code: code.slice(), variance: this.posterior ? logVariance.map(Math.exp) : null };
  }

  /** @returns {Float32Array} In a buffer that the next call reuses. */
  decode(code, label) {
    return this.decoderProgram.run(this.given(code, label))[0];
  }

  given(values, label) {
    return this.classes ? [values, [label]] : [values];
  }

  /** The place of a code on the map. */
  place(code) {
    return [this.plane.coordinate(code, 0), this.plane.axes.length > 1 ? this.plane.coordinate(code, 1) : 0];
  }

  /** A code moved to a place on the map; what the map does not show of it stays. */
  moved(code, place) {
    const copy = Float32Array.from(code);
    this.plane.axes.forEach((_, k) => this.plane.move(copy, k, place[k]));
    return copy;
  }

  /** A code drawn from the prior, or from the normal distribution fitted to the codes. */
  drawn() {
    if (!this.random) return Float32Array.from(this.center, normal);
    const code = Float32Array.from(this.center);
    this.random.stddev.forEach((stddev, k) => {
      const factor = stddev * normal();
      for (let i = 0; i < code.length; i++) code[i] += factor * this.random.axes[k * code.length + i];
    });
    return code;
  }

  /** Lengths and direction of the half axes of the posterior on the map, one standard deviation each. */
  ellipse(variance) {
    const [a, b] = this.plane.axes;
    const sum = (f) => variance.reduce((total, v, i) => total + v * f(i), 0);
    const [across, along, mixed] = b
      ? [sum((i) => a[i] * a[i]), sum((i) => b[i] * b[i]), sum((i) => a[i] * b[i])]
      : [sum((i) => a[i] * a[i]), 0, 0];
    const [middle, spread] = [(across + along) / 2, Math.hypot((across - along) / 2, mixed)];
    return {
      radii: [middle + spread, Math.max(middle - spread, 0)].map(Math.sqrt),
      angle: Math.atan2(2 * mixed, across - along) / 2,
    };
  }
}

/** The KL divergence of a posterior from the prior N(0, I), in nats. */
function divergence(mean, variance) {
  return mean.reduce((sum, m, i) => sum + (variance[i] + m * m - 1 - Math.log(variance[i])) / 2, 0);
}

/** A draw from N(0, 1), by the polar form of Box and Muller's method. */
function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}
