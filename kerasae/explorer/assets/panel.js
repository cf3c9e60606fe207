/** Everything that belongs to one model: its map, sliders, path, classes and pictures. */
class Panel {
  /**
   * @param {HTMLElement} root A copy of the template.
   * @param {Autoencoder} model
   * @param {Inputs} inputs
   * @param {{load: (k: number) => void, give: (x: Float32Array) => void}} on Called with the number of an example that
   *     was clicked, or with an input that was made here.
   */
  constructor(root, model, inputs, { load, give }) {
    Object.assign(this, { root, model, inputs, load, give });
    this.part = (name) => root.querySelector(`[data-part=${name}]`);
    this.painter = model.painter = new PAINTERS[inputs.kind](inputs);
    model.current = () => ({ code: this.code, label: this.label });
    this.code = Float32Array.from(model.center);
    this.label = 0;
    this.x = null;
    this.describe();
    this.map = new CodeMap(this.part("map"), model, inputs, {
      hover: (place) => this.path.isPlaying || this.moveTo(place), // a hand that trembles stops no animation
      move: (place) => this.moveTo(place),
      pick: (place) => this.pick(place),
    });
    this.sliders = new Sliders(this.part("sliders"), model.sliders, (k, value) => {
      const code = Float32Array.from(this.code);
      model.sliders.move(code, k, value);
      this.leap(code);
    });
    const decode = (code) => model.decode(code, this.label);
    this.path = new Path(this.part("path"), { decode, painter: this.painter, moved: (code) => this.go(code) });
    if (model.classes) this.addClasses();
    this.addButtons();
    if (inputs.kind === "point") this.takePoints();
    if (inputs.kind === "point" && model.center.length === 1) this.traceCurve();
    this.go(this.code);
  }

  describe() {
    const { model } = this;
    const size = model.center.length;
    this.part("name").textContent = model.name;
    const kind = `${model.kind}, ${model.parameters.toLocaleString("en")} parameters`;
    this.part("about").textContent = `${kind}, code of ${size} ${size === 1 ? "number" : "numbers"}`;
    this.part("projected").hidden = this.part("path-ends").hidden = size <= 2;
    this.part("posterior").hidden = !model.posterior;
    const source = model.random ? "a normal distribution fitted to the codes" : "the prior N(0, I)";
    this.part("random-source").textContent = `A random code is a draw from ${source}.`;
    this.part("map").classList.toggle("line", size === 1);
    this.part("pressing").hidden = this.inputs.kind !== "point";
    this.part("class-area").hidden = !model.classes;
    this.part("layers").hidden = this.inputs.kind !== "image";
  }

  addClasses() {
    const name = (label) => this.inputs.labels.classes?.[label] ?? String(label);
    this.classes = new Classes(this.part("classes"), this.model.classes, name, (label) => {
      this.label = label;
      this.setInput(this.x, null);
      this.path.drawStrip();
      this.map.redraw();
      this.go(this.code);
    });
  }

  addButtons() {
    const on = (name, action) => this.part(name).addEventListener("click", action);
    on("reset", () => this.leap(Float32Array.from(this.model.center)));
    on("random", () => this.leap(this.model.drawn()));
    on("larger", () => this.map.zoom(1.5));
    on("smaller", () => this.map.zoom(1 / 1.5));
    on("reset-view", () => this.map.zoom(0));
    for (const radio of this.root.querySelectorAll("[data-part=layers] input")) {
      radio.addEventListener("change", () => this.map.show(radio.value));
    }
  }

  /** What a click on the map does: "load" or "path". */
  get clickMode() {
    return this.root.querySelector("[data-part=clicks] input:checked").value;
  }

  moveTo(place) {
    this.path.toggle(false);
    this.go(this.model.moved(this.code, place));
  }

  pick(place) {
    if (this.clickMode === "load") {
      this.load(this.inputs.nearest(place, this.model.places));
      return;
    }
    this.path.add(this.endAt(place));
    this.map.path = this.path.ends.map((code) => this.model.place(code));
    this.map.update();
  }

  /** The code that a path has its end at: of a projection, where a place is many codes, that of the nearest input. */
  endAt(place) {
    const { model, inputs } = this;
    if (model.center.length <= 2) return model.moved(this.code, place);
    const k = inputs.nearest(place, model.places);
    return model.encode(inputs.get(k), inputs.labels.classes ? inputs.labels.values[inputs.held[k]] : this.label).code;
  }

  /** Make a code the current one; it is decoded in the next frame. */
  go(code) {
    this.code = code;
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      this.draw();
    });
  }

  /** Go to a code that may lie beside the plane of the map, so that what is decoded there may change. */
  leap(code) {
    this.go(code);
    if (code.length > 2) this.map.refresh();
  }

  draw() {
    const { model, code, label } = this;
    const before = performance.now();
    const decoded = model.decode(code, label);
    this.painter.show(this.part("decoded"), decoded, null, this.curve);
    this.decoded = decoded.slice();
    this.map.code = model.place(code);
    this.map.update();
    this.sliders.show(code);
    const time = performance.now() - before;
    this.part("decoded").dataset.milliseconds = time.toFixed(2);
    const numbers = [...code].slice(0, 3).map((value) => fixed(value)).join(", ");
    this.part("code").textContent = `(${numbers}${code.length > 3 ? ", …" : ""})`;
    this.classes?.show(label, (k) => model.decode(code, k), this.painter);
  }

  /** Take an input, or none; with its class, if that is known. */
  setInput(x, label) {
    const { model, painter } = this;
    this.x = x;
    if (label !== null && model.classes) this.label = label;
    this.part("reconstruction-area").classList.toggle("empty", !x);
    if (!x) {
      this.map.input = null;
      this.part("errors").replaceChildren();
      painter.show(this.part("reconstruction"), null, null, this.curve);
      this.map.update();
      return;
    }
    const { code, variance } = model.encode(x, this.label);
    const reconstruction = model.decode(code, this.label).slice();
    this.encoded = { code, variance, reconstruction };
    painter.show(this.part("reconstruction"), reconstruction, x, this.curve);
    this.map.input = { place: model.place(code), ellipse: variance && model.ellipse(variance) };
    this.showErrors(this.inputs.errors(x, reconstruction), variance && divergence(code, variance));
    this.leap(code.slice());
  }

  showErrors({ mse, bce }, kl) {
    const unit = this.inputs.kind === "image" ? "pixel" : "value";
    const rows = [["MSE", `${mse < 0.001 ? mse.toPrecision(2) : mse.toFixed(4)} per ${unit}`]];
    if (bce !== null) rows.push(["BCE", `${bce.toFixed(4)} per ${unit}`]);
    if (kl !== null) rows.push(["KL", `${kl.toFixed(2)} nats`]);
    const made = rows.flatMap((row) => row.map((text, i) => {
      const cell = document.createElement(i ? "dd" : "dt");
      cell.textContent = text;
      return cell;
    }));
    this.part("errors").replaceChildren(...made);
  }

  /** Points of the plane are inputs where they are pressed in the picture. */
  takePoints() {
    const canvas = this.part("reconstruction");
    const take = (event) => {
      const box = canvas.getBoundingClientRect();
      const scale = canvas.width / box.width;
      const place = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
      this.give(Float32Array.from(this.painter.point(canvas, place)));
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      take(event);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons && take(event));
  }

  /** All that a code of one number can become, as a curve in the plane. */
  traceCurve() {
    const [low, high] = [this.model.plane.low[0], this.model.plane.high[0]];
    this.curve = Array.from({ length: 300 }, (_, i) => [
      ...this.model.decode([low + ((high - low) * i) / 299], this.label),
    ]);
  }
}
