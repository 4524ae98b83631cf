// What one chooses from. The server says what there is; every change goes to it at once.

import { poleColour } from "./colours.js";
import { choose } from "./connection.js";
import { byId, html } from "./dom.js";
import { formatNumber, plural } from "./format.js";

const NAMES = {
  relu: "ReLU",
  gelu: "GELU",
  adam: "Adam",
  sgd: "SGD",
  momentum: "SGD with momentum 0.9",
  rmsprop: "RMSprop",
  glorot_uniform: "Glorot uniform",
  he_normal: "He normal",
};

let options = null;
let choices = null;

/** Fill the controls with what the server offers. */
export function startControls(offered) {
  options = offered;
  byId("datasets").replaceChildren(...offered.dataset.map(preview));
  fill("activation", offered.activation.map((name) => [name, named(name)]));
  fill("initializer", offered.initializer.map((name) => [name, named(name)]));
  fill("optimizer", offered.optimizer.map((name) => [name, named(name)]));
  fill("learning-rate", offered.learningRates.map((rate) => [rate, String(rate)]));
  fill("batch-size", offered.batchSizes.map((size) => [size, String(size)]));
  byId("noise").max = offered.mostNoise;
  byId("seed").max = offered.largestSeed;
  for (const id of ["activation", "initializer", "optimizer"]) {
    byId(id).onchange = () => choose({ [id]: byId(id).value });
  }
  byId("learning-rate").onchange = () => choose({ learning_rate: Number(byId("learning-rate").value) });
  byId("batch-size").onchange = () => choose({ batch_size: Number(byId("batch-size").value) });
  byId("noise").oninput = () => {
    showNoise();
    choose({ noise: Number(byId("noise").value) });
  };
  byId("seed").onchange = () => choose({ seed: byId("seed").value === "" ? null : Number(byId("seed").value) });
  byId("new-seed").onclick = () => choose({ seed: Math.floor(Math.random() * offered.largestSeed) });
  byId("fewer-layers").onclick = () => changeLayers(-1);
  byId("more-layers").onclick = () => changeLayers(1);
  drawPreviews();
}

/** Show what is chosen, also where the server refused something else. */
export function showChoices(chosen) {
  choices = chosen;
  document.querySelector(`#datasets input[value="${chosen.dataset}"]`).checked = true;
  byId("noise").value = chosen.noise;
  showNoise();
  byId("activation").value = chosen.activation;
  byId("initializer").value = chosen.initializer;
  byId("optimizer").value = chosen.optimizer;
  byId("learning-rate").value = chosen.learning_rate;
  byId("batch-size").value = chosen.batch_size;
  byId("seed").value = chosen.seed;
  const count = chosen.layers.length;
  byId("layer-count").textContent = plural(count, "hidden layer");
  setAble(byId("fewer-layers"), count > 0);
  setAble(byId("more-layers"), count < options.mostLayers);
  byId("chosen").textContent = `${chosen.dataset}, ${named(chosen.activation)}, ${named(chosen.optimizer)} ${chosen.learning_rate}`;
}

/** Back to what holds, after the server refused a change. */
export function restoreChoices() {
  if (choices) showChoices(choices);
}

/** More or fewer units in a hidden layer. */
export function changeUnits(layer, by) {
  const layers = [...choices.layers];
  layers[layer] += by;
  if (layers[layer] >= 1 && layers[layer] <= options.mostUnits) choose({ layers });
}

export function unitsCanChange(layer, by) {
  const units = choices.layers[layer] + by;
  return units >= 1 && units <= options.mostUnits;
}

/** A button that cannot be pressed now but keeps the focus. */
export function setAble(button, able) {
  button.setAttribute("aria-disabled", String(!able));
}

function changeLayers(by) {
  const { layers } = choices;
  const last = layers[layers.length - 1] ?? 4;
  if (by > 0 && layers.length < options.mostLayers) choose({ layers: [...layers, last] });
  if (by < 0 && layers.length) choose({ layers: layers.slice(0, -1) });
}

function fill(id, pairs) {
  byId(id).replaceChildren(...pairs.map(([value, text]) => html("option", { value }, text)));
}

function named(name) {
  return NAMES[name] ?? name;
}

function showNoise() {
  byId("noise-shown").textContent = formatNumber(Number(byId("noise").value));
}

function preview(name) {
  return html(
    "label",
    {},
    html("input", { type: "radio", name: "dataset", value: name, onchange: () => choose({ dataset: name }) }),
    html("canvas", { width: 80, height: 80, "data-dataset": name, "aria-hidden": "true" }),
    html("span", {}, name),
  );
}

/** Some points of each data set, in the colours of the theme. */
export function drawPreviews() {
  if (!options) return;
  for (const canvas of document.querySelectorAll("#datasets canvas")) {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (const [x, y, label] of options.previews[canvas.dataset.dataset]) {
      context.fillStyle = poleColour(label === 1);
      context.beginPath();
      context.arc(40 + 31 * x, 40 - 31 * y, 3.2, 0, 2 * Math.PI);
      context.fill();
    }
  }
}
