/** Buttons of a conditional model: the current code decoded as each class. */
class Classes {
  /**
   * @param {HTMLElement} root Where the buttons are put.
   * @param {number} n Number of classes.
   * @param {(label: number) => string} name
   * @param {(label: number) => void} chosen
   */
  constructor(root, n, name, chosen) {
    this.buttons = Array.from({ length: n }, (_, label) => {
      const [button, canvas, text] = ["button", "canvas", "span"].map((tag) => document.createElement(tag));
      button.type = "button";
      text.textContent = name(label);
      canvas.setAttribute("aria-hidden", "true");
      button.setAttribute("aria-label", `Class ${name(label)}`);
      button.append(canvas, text);
      button.addEventListener("click", () => chosen(label));
      root.append(button);
      return { button, canvas };
    });
  }

  /** Mark the class that is chosen, and draw what `decode(label)` gives for each. */
  show(chosen, decode, painter) {
    this.buttons.forEach(({ button, canvas }, label) => {
      button.setAttribute("aria-pressed", String(label === chosen));
      painter.show(canvas, decode(label));
    });
  }
}
