/**
 * Operations by the name that a plan uses. Each takes the operation's settings and the weights, and gives a function
 * (inputs, out) that computes `out` from a list of inputs, all Float32Arrays.
 */
const OPERATIONS = {
  dense({ units, kernel, bias }, weights) {
    const [matrix, offset] = [weights.get(kernel), bias === undefined ? null : weights.get(bias)];
    const size = matrix.length / units;
    return ([x], out) => {
      startWith(out, offset);
      for (let row = 0; row * size < x.length; row++) {
        multiplyAdd(out, row * units, units, x, row * size, size, matrix, 0, units);
      }
    };
  },

  conv({ groups, kernel, bias, ...grid }, weights) {
    const [taps, offset] = [weights.get(kernel), bias === undefined ? null : weights.get(bias)];
    const [channels, filters] = [grid.from[3], grid.to[3]];
    const [some, few] = [channels / groups, filters / groups]; // channels and filters of one group
    return ([x], out) => {
      startWith(out, offset);
      slide(grid, (output, input, tap) => {
        for (let g = 0; g < groups; g++) {
          const k = tap * some * filters + g * few;
          multiplyAdd(out, output * filters + g * few, few, x, input * channels + g * some, some, taps, k, filters);
        }
      });
    };
  },

  transposed_conv({ kernel, bias, ...grid }, weights) {
    const [taps, offset] = [weights.get(kernel), bias === undefined ? null : weights.get(bias)];
    const [channels, filters] = [grid.from[3], grid.to[3]];
    return ([x], out) => {
      startWith(out, offset);
      slideTransposed(grid, (output, input, tap) => {
        multiplyAdd(out, output * filters, filters, x, input * channels, channels, taps, tap * channels * filters, filters);
      });
    };
  },

  pool({ pool, ...grid }) {
    const channels = grid.to[3];
    return ([x], out) => {
      const counts = new Uint32Array(out.length / channels);
      out.fill(pool === "max" ? -Infinity : 0);
      slide(grid, (output, input) => {
        counts[output]++;
        for (let c = 0, o = output * channels, i = input * channels; c < channels; c++, o++, i++) {
          out[o] = pool === "max" ? Math.max(out[o], x[i]) : out[o] + x[i];
        }
      });
      if (pool === "average") out.forEach((sum, o) => (out[o] = sum / counts[Math.floor(o / channels)]));
    };
  },

  upsample({ from, to, factors }) {
    return ([x], out) => {
      const channels = to[3];
      for (let d = 0, o = 0; d < to[0]; d++) {
        for (let h = 0; h < to[1]; h++) {
          for (let w = 0; w < to[2]; w++, o += channels) {
            const [depth, row, column] = [d, h, w].map((place, side) => Math.floor(place / factors[side]));
            const i = ((depth * from[1] + row) * from[2] + column) * channels;
            out.set(x.subarray(i, i + channels), o);
          }
        }
      }
    };
  },

  /** Cropping (negative `before`) and padding with zeros. */
  window({ from, to, before }) {
    const grid = { from, to, taps: [1, 1, 1], strides: [1, 1, 1], padding: before };
    return ([x], out) => {
      const channels = to[3];
      out.fill(0);
      slide(grid, (output, input) => out.set(x.subarray(input * channels, (input + 1) * channels), output * channels));
    };
  },

  function({ function: name, ...settings }) {
    const f = FUNCTIONS[name](settings);
    return ([x], out) => {
      for (let i = 0; i < out.length; i++) out[i] = f(x[i]);
    };
  },

  softmax({ channels }) {
    return ([x], out) => {
      for (let at = 0; at < x.length; at += channels) {
        const row = x.subarray(at, at + channels);
        const most = Math.max(...row);
        const exponentials = row.map((v) => Math.exp(v - most));
        const sum = exponentials.reduce((a, b) => a + b, 0);
        out.set(exponentials.map((v) => v / sum), at);
      }
    };
  },

  affine({ scale, offset }, weights) {
    const [factors, terms] = [weights.get(scale), weights.get(offset)];
    return ([x], out) => {
      for (let i = 0; i < out.length; i++) out[i] = x[i] * factors[i % factors.length] + terms[i % terms.length];
    };
  },

  /** Zero mean and unit variance over `channels / groups` channels of `pixels` pixels that follow one another. */
  normalize({ channels, groups, pixels, epsilon }) {
    const few = channels / groups;
    return ([x], out) => {
      for (let block = 0; block < x.length; block += pixels * channels) {
        for (let g = 0; g < groups; g++) {
          const first = block + g * few;
          const each = (visit) => {
            for (let p = 0; p < pixels; p++) {
              for (let c = 0, i = first + p * channels; c < few; c++, i++) visit(i);
            }
          };
          let [mean, variance] = [0, 0];
          each((i) => (mean += x[i] / (pixels * few)));
          each((i) => (variance += (x[i] - mean) ** 2 / (pixels * few)));
          const scale = 1 / Math.sqrt(variance + epsilon);
          each((i) => (out[i] = (x[i] - mean) * scale));
        }
      }
    };
  },

  merge({ merge }) {
    return (inputs, out) => {
      for (let i = 0; i < out.length; i++) {
        const merged = inputs.map((x) => x[i]).reduce(MERGES[merge]);
        out[i] = merge === "Average" ? merged / inputs.length : merged;
      }
    };
  },

  concatenate({ chunks }) {
    return (inputs, out) => {
      for (let at = 0, row = 0; at < out.length; row++) {
        inputs.forEach((x, k) => {
          out.set(x.subarray(row * chunks[k], (row + 1) * chunks[k]), at);
          at += chunks[k];
        });
      }
    };
  },

  one_hot() {
    return ([label], out) => {
      out.fill(0);
      out[label[0]] = 1;
    };
  },

  /** The vector of a codebook that is nearest to each vector of the input. */
  quantize({ codebook, length }, weights) {
    const vectors = weights.get(codebook);
    const squares = (x, at, k) => {
      let sum = 0;
      for (let c = 0; c < length; c++) sum += (x[at + c] - vectors[k + c]) ** 2;
      return sum;
    };
    return ([x], out) => {
      for (let at = 0; at < x.length; at += length) {
        let best = 0;
        for (let k = length; k < vectors.length; k += length) if (squares(x, at, k) < squares(x, at, best)) best = k;
        out.set(vectors.subarray(best, best + length), at);
      }
    };
  },

  /** The k largest values of each row, of equal ones the first; the others become 0. */
  top_k({ k, length }) {
    return ([x], out) => {
      out.fill(0);
      for (let at = 0; at < x.length; at += length) {
        const places = Array.from({ length }, (_, c) => at + c).sort((a, b) => x[b] - x[a] || a - b);
        for (const place of places.slice(0, k)) out[place] = x[place];
      }
    };
  },
};

/** Fill an output with biases, one per channel, or with zeros. */
function startWith(out, bias) {
  if (!bias) out.fill(0);
  else for (let at = 0; at < out.length; at += bias.length) out.set(bias, at);
}
