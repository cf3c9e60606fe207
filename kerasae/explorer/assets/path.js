const STRIP = 9; // pictures below a path
const SECONDS = 3; // of an animation, from one end to the other

/** The straight line between two codes: an animation, a slider for t, and a strip of pictures. */
class Path {
  /**
   * @param {HTMLElement} root
   * @param {{decode: Function, painter: object, moved: Function}} on How codes are decoded and drawn, and what is called
   *     with each code on the way.
   */
  constructor(root, { decode, painter, moved }) {
    const part = (name) => root.querySelector(`[data-part=${name}]`);
    Object.assign(this, { decode, painter, moved, play: part("play"), slider: part("time"), output: part("time-value") });
    this.strip = part("strip");
    this.ends = [];
    this.play.addEventListener("click", () => this.toggle(!this.isPlaying));
    this.slider.addEventListener("input", () => {
      this.toggle(false);
      this.go(Number(this.slider.value));
    });
  }

  /** Take an end; the third one begins a new path. */
  add(code) {
    this.ends = this.ends.length === 2 ? [code] : [...this.ends, code];
    this.toggle(false);
    this.play.disabled = this.slider.disabled = this.ends.length < 2;
    this.drawStrip();
    if (this.ends.length < 2) return;
    this.go(0);
    if (!stillMode.matches) this.toggle(true);
  }

  drawStrip() {
    const number = this.ends.length === 2 ? STRIP : 0;
    const figures = Array.from({ length: number }, (_, i) => {
      const [figure, canvas, caption] = ["figure", "canvas", "figcaption"].map((tag) => document.createElement(tag));
      const t = i / (STRIP - 1);
      this.painter.show(canvas, this.decode(this.at(t)));
      caption.textContent = i % 4 ? "" : `t = ${t}`;
      figure.append(canvas, caption);
      return figure;
    });
    this.strip.replaceChildren(...figures);
  }

  at(t) {
    const [a, b] = this.ends;
    return a.map((value, i) => (1 - t) * value + t * b[i]);
  }

  go(t) {
    this.slider.value = t;
    this.output.textContent = `t = ${t.toFixed(2)}`;
    this.moved(this.at(t));
  }

  /** Play from the slider's place to the end, there and back until paused. */
  toggle(isPlaying) {
    this.isPlaying = isPlaying;
    this.play.textContent = isPlaying ? "Pause" : "Play";
    if (!isPlaying) return;
    let [t, direction, last] = [Number(this.slider.value), 1, null];
    const step = (now) => {
      if (!this.isPlaying) return;
      t += last === null ? 0 : (direction * (now - last)) / (1000 * SECONDS);
      last = now;
      if (t >= 1 || t <= 0) direction = t >= 1 ? -1 : 1;
      this.go(clip(t, 0, 1));
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }
}
