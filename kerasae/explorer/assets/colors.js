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

/** A color of a scale from 0 (blue) to 1 (yellow), whose lightness grows throughout. */
function scaled(value) {
  return `hsl(${Math.round(265 - 210 * value)} 75% ${Math.round(30 + 32 * value)}%)`;
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
    return this.classes ? this.classColor(this.values[i]) : visible(scaled(this.values[i]));
  }

  classColor(k) {
    return visible(this.description.colors[k]);
  }

  /** The name of the class of input i; its value on the scale; null without labels. */
  name(i) {
    if (!this.description) return null;
    if (this.classes) return this.classes[this.values[i]];
    const [low, high] = this.description.scale;
    return (low + this.values[i] * (high - low)).toFixed(2);
  }
}
