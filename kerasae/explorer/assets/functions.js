"use strict";

const sigmoid = (v) => 1 / (1 + Math.exp(-v));
const softplus = (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
/** A number as text, with a minus sign as typographers set it. */
const fixed = (v, digits = 2) => v.toFixed(digits).replace("-", "−");
const clip = (v, low, high) => Math.min(Math.max(v, low), high);

/** The error function, with an error below 2e-7 (Abramowitz & Stegun, Handbook of mathematical functions, 7.1.26). */
function erf(v) {
  const t = 1 / (1 + 0.3275911 * Math.abs(v));
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(v) * (1 - series * Math.exp(-v * v));
}

/**
 * Elementwise functions by the name that a plan uses.
 * Each takes the settings of its operation and gives a function of one number.
 */
const FUNCTIONS = {
  relu: ({ slope = 0, threshold = 0, most = Infinity }) => (v) =>
    v >= threshold ? Math.min(v, most) : slope * (v - threshold),
  elu: ({ alpha }) => (v) => (v > 0 ? v : alpha * Math.expm1(v)),
  selu: () => (v) => 1.0507009873554805 * (v > 0 ? v : 1.6732632423543772 * Math.expm1(v)),
  sigmoid: () => sigmoid,
  hard_sigmoid: () => (v) => clip(v + 3, 0, 6) / 6,
  log_sigmoid: () => (v) => -softplus(-v),
  tanh: () => Math.tanh,
  hard_tanh: () => (v) => clip(v, -1, 1),
  softplus: () => softplus,
  softsign: () => (v) => v / (1 + Math.abs(v)),
  silu: () => (v) => v * sigmoid(v),
  hard_silu: () => (v) => (v * clip(v + 3, 0, 6)) / 6,
  gelu: () => (v) => 0.5 * v * (1 + erf(v / Math.SQRT2)),
  mish: () => (v) => v * Math.tanh(softplus(v)),
  exponential: () => Math.exp,
  // Mean of the continuous Bernoulli distribution of a logit; the exact formula divides 0 by 0 at 0.
  continuous_bernoulli_mean: () => (v) =>
    Math.abs(v) < 0.05 ? 0.5 + v / 12 - (v * v * v) / 720 : sigmoid(v) / Math.tanh(v / 2) - 1 / v,
  // Values beyond a limit grow as their logarithm.
  compress: ({ limit }) => (v) =>
    Math.abs(v) <= limit ? v : Math.sign(v) * limit * (1 + Math.log(Math.abs(v) / limit)),
};

/** What merging layers do with two values. Keras's average divides by the number of inputs at the end. */
const MERGES = {
  Add: (a, b) => a + b,
  Average: (a, b) => a + b,
  Subtract: (a, b) => a - b,
  Multiply: (a, b) => a * b,
  Maximum: (a, b) => Math.max(a, b),
  Minimum: (a, b) => Math.min(a, b),
};
