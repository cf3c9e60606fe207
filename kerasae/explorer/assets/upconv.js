/**
 * Nearest-neighbor upsampling by 2 followed by a convolution, without the large image in between: several taps meet the
 * same small pixel, so their weights are added first, once for each phase (even or odd row, even or odd column).
 */
OPERATIONS.up_conv = ({ kernel, bias, factors, from, to, taps, padding }, weights) => {
  const [whole, offset] = [weights.get(kernel), bias === undefined ? null : weights.get(bias)];
  const [channels, filters] = [from[3], to[3]];
  const phases = phasesOf(factors).map((phase) => foldedKernel(phase, { whole, factors, taps, padding, from, to }));
  return ([x], out) => {
    startWith(out, offset);
    for (const { grid, folded, phase } of phases) {
      slide(grid, (output, input, tap) => {
        const column = output % from[2];
        const row = Math.floor(output / from[2]) % from[1];
        const depth = Math.floor(output / (from[1] * from[2]));
        const [d, h, w] = [depth, row, column].map((place, side) => place * factors[side] + phase[side]);
        const large = (d * to[1] + h) * to[2] + w;
        const k = tap * channels * filters;
        multiplyAdd(out, large * filters, filters, x, input * channels, channels, folded, k, filters);
      });
    }
  };
};

/** All places within a cell of an upsampled image: [[0, 0, 0], [0, 0, 1], ...]. */
function phasesOf([depths, rows, columns]) {
  const phases = [];
  for (let d = 0; d < depths; d++) {
    for (let h = 0; h < rows; h++) {
      for (let w = 0; w < columns; w++) phases.push([d, h, w]);
    }
  }
  return phases;
}

/** The convolution of the small image that gives one phase of the large one. */
function foldedKernel(phase, { whole, factors, taps, padding, from, to }) {
  // The small pixel, relative to the output's own, that each tap meets.
  const meets = taps.map((number, side) =>
    Array.from({ length: number }, (_, tap) => Math.floor((phase[side] + tap - padding[side]) / factors[side])),
  );
  const first = meets.map((offsets) => offsets[0]);
  const small = meets.map((offsets) => offsets.at(-1) - offsets[0] + 1);
  const block = from[3] * to[3];
  const folded = new Float32Array(small[0] * small[1] * small[2] * block);
  for (let i = 0, tap = 0; i < taps[0]; i++) {
    for (let j = 0; j < taps[1]; j++) {
      for (let k = 0; k < taps[2]; k++, tap++) {
        const [a, b, c] = [i, j, k].map((place, side) => meets[side][place] - first[side]);
        const at = ((a * small[1] + b) * small[2] + c) * block;
        for (let n = 0; n < block; n++) folded[at + n] += whole[tap * block + n];
      }
    }
  }
  const grid = { from, to: from, taps: small, strides: [1, 1, 1], padding: first.map((offset) => -offset) };
  return { grid, folded, phase };
}
