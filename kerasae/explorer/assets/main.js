/** Build the page. */
async function start() {
  const content = JSON.parse(document.getElementById("content").textContent);
  const arrays = await Arrays.read(content.arrays, document.getElementById("block").textContent);
  const labels = new Labels(content.labels, arrays);
  const inputs = new Inputs(content.inputs, labels, arrays);
  document.body.classList.toggle("pair", content.models.length === 2);
  const panels = [];
  let pad = null;

  const give = (x, label = null) => panels.forEach((panel) => panel.setInput(x, label));
  let current = -1;
  const load = (k) => {
    current = k;
    const point = inputs.held[k];
    const values = inputs.get(k);
    pad?.show(values, panels[0].painter);
    const name = labels.name(point);
    document.getElementById("loaded").textContent =
      `Test input ${point}` + (name === null ? "" : labels.classes ? `, class ${name}` : `, label ${name}`);
    give(values, labels.classes ? labels.values[point] : null);
  };

  const template = document.getElementById("panel-template");
  for (const description of content.models) {
    const root = template.content.firstElementChild.cloneNode(true);
    nameRadios(root, panels.length);
    document.getElementById("panels").append(root);
    panels.push(new Panel(root, new Autoencoder(description, arrays), inputs, load));
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
  const step = (by) => () => load((current + by + inputs.held.length) % inputs.held.length);
  document.getElementById("next").addEventListener("click", step(1));
  document.getElementById("previous").addEventListener("click", step(current < 0 ? 0 : -1));
  showLegend(labels);
  document.getElementById("weights").textContent =
    content.weights === "int16"
      ? "Weights are stored in 16 bits: pixels differ from Keras's by less than 0.001."
      : "Weights are stored in 32 bits: outputs equal Keras's within 0.00001.";
  give(null);
  window.explorer = { content, inputs, panels, pad, arrays }; // for the console
  document.body.dataset.ready = "true";
}

/** Give the radio buttons of a copy of the template names of their own. */
function nameRadios(root, number) {
  for (const radio of root.querySelectorAll("input[type=radio]")) radio.name += number;
}

function showLegend(labels) {
  for (const list of document.querySelectorAll("[data-part=legend]")) {
    const colored = labels.classes?.map((name, k) => [name, () => labels.classColor(k)]) ?? [];
    const draw = () => {
      list.replaceChildren(
        ...colored.map(([name, color]) => {
          const [item, mark] = ["li", "i"].map((tag) => document.createElement(tag));
          mark.style.background = color();
          item.append(mark, name);
          return item;
        }),
      );
    };
    draw();
    darkMode.addEventListener("change", draw);
  }
}

if (document.getElementById("content")) start();
