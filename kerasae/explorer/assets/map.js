const TILES = 14; // decoded pictures along a side of the map
const STAMP = 30; // pixels of a thumbnail

/** The map of codes: points, thumbnails or decoded pictures; over them the code, a posterior and a path. */
class CodeMap {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Autoencoder} model
   * @param {Inputs} inputs
   * @param {{hover: Function, move: Function, pick: Function}} on What pointer and keys do, functions of a place:
   *     move without and with a button or a key pressed, and click.
   */
  constructor(canvas, model, inputs, on) {
    Object.assign(this, { canvas, model, inputs, on });
    this.view = new View(model.plane);
    this.layer = document.createElement("canvas");
    this.shows = "points";
    this.code = [0, 0]; // places on the map
    this.input = null; // {place, ellipse}
    this.path = []; // its ends
    this.listen();
    new ResizeObserver(() => this.resize()).observe(canvas);
    darkMode.addEventListener("change", () => this.redraw());
  }

  resize() {
    [this.view.width, this.view.height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    this.ratio = Math.min(devicePixelRatio || 1, 2);
    for (const canvas of [this.canvas, this.layer]) {
      canvas.width = Math.round(this.view.width * this.ratio);
      canvas.height = Math.round(this.view.height * this.ratio);
    }
    this.redraw();
  }

  show(what) {
    this.shows = what;
    this.redraw();
  }

  /** Decode the pictures of the map anew, once the code has come to rest. */
  refresh() {
    if (this.shows !== "decoded") return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.redraw(), 200);
  }

  zoom(factor) {
    if (factor) this.view.zoom(factor, this.code);
    else this.view.reset();
    this.redraw();
  }

  /** Draw everything anew. */
  redraw() {
    if (!this.canvas.clientWidth) return;
    const context = this.layer.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.view.width, this.view.height);
    this.tiles = null;
    this.drawAxes(context);
    if (this.shows === "inputs") this.drawInputs(context);
    else if (this.shows === "decoded") this.drawTiles(context);
    else this.drawPoints(context);
    this.update();
  }

  drawAxes(context) {
    const { width, height } = this.view;
    context.fillStyle = themed("quiet");
    context.font = "12px system-ui, sans-serif";
    for (const side of this.view.isLine ? [0] : [0, 1]) {
      for (const tick of this.view.ticks(side)) {
        const place = this.view.toPixels([tick, tick])[side];
        line(context, side ? [[0, place], [width, place]] : [[place, 0], [place, height]], themed("grid"), 1);
        if (side ? place < 30 || place > height - 30 : place < 30) continue;
        const text = String(tick).replace("-", "−");
        if (side) context.fillText(text, 4, place - 3);
        else context.fillText(text, place + 3, height - 5);
      }
    }
    const [across, up] = this.model.plane.labels;
    context.fillStyle = themed("ink");
    context.textAlign = "right";
    context.fillText(across, width - 5, height - 20);
    context.textAlign = "left";
    if (up) context.fillText(up, 5, 14);
  }

  drawPoints(context) {
    const { places } = this.model;
    const radius = places.length > 2000 ? 2 : 3;
    context.globalAlpha = 0.75;
    for (let i = 0; i < places.length / 2; i++) {
      context.fillStyle = this.inputs.labels.color(i);
      context.beginPath();
      context.arc(...this.view.toPixels([places[2 * i], places[2 * i + 1]]), radius, 0, 7);
      context.fill();
    }
    context.globalAlpha = 1;
  }

  /** Thumbnails of inputs, without those that would cover another. */
  drawInputs(context) {
    const drawn = [];
    this.inputs.held.forEach((point, k) => {
      const [x, y] = this.view.toPixels([this.model.places[2 * point], this.model.places[2 * point + 1]]);
      if (drawn.some(([left, top]) => Math.max(Math.abs(left - x), Math.abs(top - y)) < 0.7 * STAMP)) return;
      drawn.push([x, y]);
      const stamp = this.model.painter.stamp(this.inputs.get(k), this.inputs.labels.color(point));
      context.drawImage(stamp, x - STAMP / 2, y - STAMP / 2, STAMP, STAMP);
    });
  }

  /** Decoded pictures of a lattice of codes, in the time that is left of each frame. */
  drawTiles(context) {
    const side = this.view.width / TILES;
    const around = this.model.current();
    const tiles = (this.tiles = Array.from({ length: TILES * TILES }, (_, i) => [i % TILES, Math.floor(i / TILES)]));
    const draw = () => {
      const end = performance.now() + 8;
      while (this.tiles === tiles && tiles.length && performance.now() < end) {
        const [column, row] = tiles.shift();
        const place = this.view.fromPixels([(column + 0.5) * side, (row + 0.5) * side]);
        const values = this.model.decode(this.model.moved(around.code, place), around.label);
        context.drawImage(this.model.painter.stamp(values), column * side, row * side, side + 0.5, side + 0.5);
      }
      if (this.tiles !== tiles) return;
      this.update();
      if (tiles.length) requestAnimationFrame(draw);
    };
    draw();
  }

  /** Draw what moves over what stays. */
  update() {
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.layer, 0, 0);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    const ends = this.path.map((place) => this.view.toPixels(place));
    if (ends.length === 2) this.outlined(context, () => ends.forEach((end) => context.lineTo(...end)), 2);
    ends.forEach((end, i) => this.drawEnd(context, end, "AB"[i]));
    if (this.input) this.drawInput(context);
    this.drawCross(context, this.view.toPixels(this.code));
  }

  /** Stroke a shape in a color that is seen on any ground. */
  outlined(context, shape, width, color = themed("ink")) {
    for (const [style, extra] of [[themed("paper"), 2.5], [color, 0]]) {
      context.beginPath();
      shape();
      context.strokeStyle = style;
      context.lineWidth = width + extra;
      context.stroke();
    }
  }

  drawCross(context, [x, y]) {
    this.outlined(context, () => context.arc(x, y, 7, 0, 7), 2.5, themed("accent"));
    for (const [i, j] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      const arm = () => {
        context.moveTo(x + 7 * i, y + 7 * j);
        context.lineTo(x + 15 * i, y + 15 * j);
      };
      this.outlined(context, arm, 2.5, themed("accent"));
    }
  }

  drawInput(context) {
    const [x, y] = this.view.toPixels(this.input.place);
    if (this.input.ellipse) {
      const { radii, angle } = this.input.ellipse;
      const [long, short] = radii.map((radius) => Math.max(2 * radius * this.view.scale, 1)); // two standard deviations
      this.outlined(context, () => context.ellipse(x, y, long, short, -angle, 0, 7), 2);
    }
    const diamond = () => {
      [[0, -13], [13, 0], [0, 13], [-13, 0], [0, -13]].forEach(([i, j]) => context.lineTo(x + i, y + j));
    };
    this.outlined(context, diamond, 2.5);
  }

  drawEnd(context, [x, y], name) {
    context.fillStyle = themed("ink");
    context.beginPath();
    context.arc(x, y, 10, 0, 7);
    context.fill();
    context.fillStyle = themed("paper");
    context.font = "bold 12px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(name, x, y + 4);
    context.textAlign = "left";
  }

  listen() {
    const { canvas } = this;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return this.view.fromPixels([event.clientX - box.left, event.clientY - box.top]);
    };
    let start = null;
    canvas.addEventListener("pointerdown", (event) => {
      start = [event.clientX, event.clientY];
      canvas.setPointerCapture(event.pointerId);
      this.on.move(at(event));
    });
    canvas.addEventListener("pointermove", (event) => (event.buttons ? this.on.move : this.on.hover)(at(event)));
    canvas.addEventListener("pointerup", (event) => {
      const isClick = start && Math.hypot(event.clientX - start[0], event.clientY - start[1]) < 6;
      start = null;
      if (isClick) this.on.pick(at(event));
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const width = this.view.half / (event.shiftKey ? 10 : 50);
    const here = this.model.place(this.model.current().code); // of several keys within a frame, none is drawn yet
    if (event.key in steps) this.on.move(here.map((place, side) => place + width * steps[event.key][side]));
    else if (event.key === "Enter" || event.key === " ") this.on.pick(here);
    else if (event.key === "+" || event.key === "-") this.zoom(event.key === "+" ? 1.5 : 1 / 1.5);
    else return;
    event.preventDefault();
  }
}
