/** A slider for each direction of the code that has one. */
class Sliders {
  /**
   * @param {HTMLElement} root Where they are put.
   * @param {Basis} basis
   * @param {(k: number, value: number) => void} changed
   */
  constructor(root, basis, changed) {
    this.basis = basis;
    this.rows = basis.labels.map((name, k) => {
      const row = document.createElement("label");
      const [label, slider, output] = ["span", "input", "output"].map((tag) => document.createElement(tag));
      label.textContent = name;
      const settings = { type: "range", min: basis.low[k], max: basis.high[k], step: "any" };
      Object.entries(settings).forEach(([key, value]) => slider.setAttribute(key, value));
      slider.addEventListener("input", () => changed(k, Number(slider.value)));
      // "any" would let the arrow keys move by 1, whatever the range.
      slider.addEventListener("keydown", (event) => {
        const sign = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
        if (!sign) return;
        event.preventDefault();
        slider.value = Number(slider.value) + (sign * (basis.high[k] - basis.low[k])) / 50;
        changed(k, Number(slider.value));
      });
      row.append(label, slider, output);
      root.append(row);
      return { slider, output };
    });
  }

  show(code) {
    this.rows.forEach(({ slider, output }, k) => {
      const value = this.basis.coordinate(code, k);
      slider.value = value;
      output.textContent = fixed(value);
    });
  }
}
