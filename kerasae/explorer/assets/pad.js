const PAPER = 280; // pixels of the drawing

/** A canvas to draw on, by mouse, pen or finger. It gives inputs of the model. */
class Pad {
  /**
   * @param {HTMLElement} root The section with canvas and buttons.
   * @param {Inputs} inputs
   * @param {(x: Float32Array) => void} changed Called with each new input.
   */
  constructor(root, inputs, changed) {
    Object.assign(this, { root, inputs, changed });
    const part = (name) => root.querySelector(`[data-part=${name}]`);
    [this.canvas, this.places, this.pen] = [part("pad"), part("places"), part("pen")];
    const [height, width, channels] = inputs.shape;
    this.image = { width, height };
    this.channels = channels;
    const long = PAPER / Math.max(width, height);
    [this.canvas.width, this.canvas.height] = [Math.round(width * long), Math.round(height * long)];
    this.canvas.style.aspectRatio = `${width} / ${height}`;
    this.seen = part("seen");
    part("placing").hidden = !inputs.placement;
    if (inputs.placement) {
      const side = `${inputs.placement.side} pixels`;
      part("placing-text").textContent = `Scale the drawing to ${side} and center its mass, like the data`;
    }
    part("coloring").hidden = channels !== 3;
    this.places.checked = Boolean(inputs.placement);
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    part("clear").addEventListener("click", () => this.clear(true));
    this.places.addEventListener("change", () => this.isDrawn && this.give());
    this.clear(false);
    this.listen();
  }

  clear(isNew) {
    this.isDrawn = false;
    this.context.fillStyle = "black";
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (isNew) this.changed(null);
  }

  /** Show an input that was not drawn here. */
  show(values, painter) {
    this.clear(false);
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(painter.stamp(values), 0, 0, this.canvas.width, this.canvas.height);
    this.isShown = true;
  }

  listen() {
    let last = null;
    const at = (event) => {
      const box = this.canvas.getBoundingClientRect();
      const scale = this.canvas.width / box.width;
      return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.canvas.setPointerCapture(event.pointerId);
      if (this.isShown) this.clear(false);
      this.isShown = false;
      last = at(event);
      this.stroke(last, last);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!last) return;
      const place = at(event);
      this.stroke(last, place);
      last = place;
    });
    for (const end of ["pointerup", "pointercancel"]) this.canvas.addEventListener(end, () => (last = null));
  }

  stroke(from, to) {
    this.context.lineCap = "round";
    line(this.context, [from, to], this.channels === 3 ? this.pen.value : "white", PAPER / 13);
    this.isDrawn = true;
    this.give();
  }

  give() {
    const drawing = { width: this.canvas.width, height: this.canvas.height };
    const { data } = this.context.getImageData(0, 0, drawing.width, drawing.height);
    const ink = [0, 1, 2].slice(0, this.channels).map((channel) => {
      return Float32Array.from({ length: data.length / 4 }, (_, i) => data[4 * i + channel] / 255);
    });
    const [low, high] = this.inputs.range;
    const values = shrunk(ink, drawing, this.image, this.places.checked ? this.inputs.placement : null);
    this.changed(values.map((value) => low + value * (high - low)));
  }
}
