/** Build the page. */
async function start() {
  const content = JSON.parse(document.getElementById("content").textContent);
  const arrays = await Arrays.read(content.arrays, document.getElementById("block").textContent);
  const labels = new Labels(content.labels, arrays);
  const inputs = new Inputs(content.inputs, labels, arrays);
  document.body.classList.add(content.models.length === 2 ? "pair" : "single");
  document.body.classList.toggle("of-images", inputs.kind === "image");
  const panels = [];
  let pad = null;

  const give = (x, label = null) => {
    panels.forEach((panel) => panel.setInput(x, label));
    if (pad) panels[0].painter.show(pad.seen, x);
    pad?.seen.parentElement.classList.toggle("empty", !x);
  };
  let current = null;
  const load = (k) => {
    current = k;
    const point = inputs.held[k];
    const values = inputs.get(k);
    pad?.show(values, panels[0].painter);
    const name = labels.name(point);
    document.getElementById("loaded").textContent =
      `Example ${point}` + (name === null ? "" : labels.classes ? `, class ${name}` : `, label ${name}`);
    give(values, labels.classes ? labels.values[point] : null);
  };

  const template = document.getElementById("panel-template");
  for (const description of content.models) {
    const root = template.content.firstElementChild.cloneNode(true);
    nameRadios(root, panels.length);
    document.getElementById("panels").append(root);
    panels.push(new Panel(root, new Autoencoder(description, arrays), inputs, { load, give }));
  }
  const drawing = document.getElementById("drawing");
  if (content.models.length === 1) panels[0].part("slot").append(drawing);
  if (inputs.kind === "image") {
    pad = new Pad(drawing, inputs, (x) => {
      document.getElementById("loaded").textContent = "";
      give(x);
    });
  }
  drawing.classList.toggle("without-pad", !pad);
  const step = (by) => () => load(current === null ? 0 : (current + by + inputs.held.length) % inputs.held.length);
  document.getElementById("next").addEventListener("click", step(1));
  document.getElementById("previous").addEventListener("click", step(-1));
  showLegend(labels);
  darkMode.addEventListener("change", () => showLegend(labels));
  document.getElementById("weights").textContent =
    content.bits === 16
      ? "Weights are stored in 16 bits: most outputs are within 0.001 of Keras's."
      : "Weights are stored in 24 bits: outputs equal Keras's within 0.00001.";
  give(null);
  window.explorer = { content, inputs, panels, pad, arrays }; // for the console
  document.body.dataset.ready = "true";
}

/** Give the radio buttons of a copy of the template names of their own. */
function nameRadios(root, number) {
  for (const radio of root.querySelectorAll("input[type=radio]")) radio.name += number;
}

/** The legends of all maps, in the colors of the mode. */
function showLegend(labels) {
  for (const list of document.querySelectorAll("[data-part=legend]")) {
    const items = labels.legend().map(([name, color]) => {
      const [item, mark] = ["li", "i"].map((tag) => document.createElement(tag));
      mark.style.background = color;
      item.append(mark, name);
      return item;
    });
    list.replaceChildren(...items);
  }
}

start().catch((error) => {
  document.getElementById("failure").hidden = false;
  throw error;
});
