const darkMode = matchMedia("(prefers-color-scheme: dark)");
const stillMode = matchMedia("(prefers-reduced-motion: reduce)");

/** A color of the style sheet. */
function themed(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** A color that can be seen on the background: lighter in dark mode. */
function visible(color) {
  return darkMode.matches ? `color-mix(in oklab, ${color} 65%, white)` : color;
}

const SCALE = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // matplotlib's viridis

/** A color of a scale from 0 to 1, whose lightness grows throughout. */
function scaled(value) {
  const place = value * (SCALE.length - 1);
  const [from, to] = [SCALE[Math.floor(place)], SCALE[Math.ceil(place)]];
  return `rgb(${from.map((a, c) => Math.round(a + (to[c] - a) * (place % 1))).join(" ")})`;
}

/** The colors of the inputs on the map. */
class Labels {
  constructor(description, arrays) {
    this.description = description;
    this.values = description && arrays.get(description.values);
  }

  get classes() {
    return this.description?.classes ?? null;
  }

  /** The color of input i. */
  color(i) {
    if (!this.description) return themed("dot");
    return this.classes ? this.classColor(this.values[i]) : scaled(this.values[i]);
  }

  classColor(k) {
    return visible(this.description.colors[k]);
  }

  /** The rows of a legend: a name and its color. */
  legend() {
    if (this.classes) return this.classes.map((name, k) => [name, this.classColor(k)]);
    return (this.description?.scale ?? []).map((value, k) => [`label ${fixed(value)}`, scaled(k)]);
  }

  /** The name of the class of input i; its value on the scale; null without labels. */
  name(i) {
    if (!this.description) return null;
    if (this.classes) return this.classes[this.values[i]];
    const [low, high] = this.description.scale;
    return fixed(low + this.values[i] * (high - low));
  }
}
