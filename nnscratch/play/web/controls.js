// What one chooses from. The server says what there is; every change goes to it at once.

import { colourAt } from "./colours.js";
import { choose, isSettled } from "./connection.js";
import { byId, html } from "./dom.js";
import { formatNumber, plural } from "./format.js";

const NAMES = {
  relu: "ReLU",
  gelu: "GELU",
  adam: "Adam",
  sgd: "SGD",
  momentum: "SGD with momentum 0.9",
  rmsprop: "RMSprop",
  l1: "L1",
  l2: "L2",
  glorot_uniform: "Glorot uniform",
  he_normal: "He normal",
};

let options = null;
let held = null; // the choices that the server has
let choices = null; // the same with those that it was asked for since

/** Fill the controls with what the server offers. */
export function startControls(offered) {
  options = offered;
  byId("datasets").replaceChildren(...offered.dataset.map(preview), html("span", { class: "note" }, "slope and hills have values to fit, not classes"));
  byId("features").replaceChildren(...Object.entries(offered.features).map(featureBox));
  fill("regularizer", offered.regularizer.map((name) => [name, named(name)]));
  fill("penalty", offered.penalties.map((factor) => [factor, String(factor)]));
  fill("activation", offered.activation.map((name) => [name, named(name)]));
  fill("initializer", offered.initializer.map((name) => [name, named(name)]));
  fill("optimizer", offered.optimizer.map((name) => [name, named(name)]));
  fill("learning-rate", offered.learningRates.map((rate) => [rate, String(rate)]));
  fill("batch-size", offered.batchSizes.map((size) => [size, size < offered.points ? String(size) : "all"]));
  byId("noise").max = offered.mostNoise;
  byId("seed").max = offered.largestSeed;
  [byId("training-points").min, byId("training-points").max] = offered.trainingPoints;
  for (const id of ["activation", "initializer", "optimizer", "regularizer"]) {
    byId(id).onchange = () => change({ [id]: byId(id).value });
  }
  byId("learning-rate").onchange = () => change({ learning_rate: Number(byId("learning-rate").value) });
  byId("batch-size").onchange = () => change({ batch_size: Number(byId("batch-size").value) });
  byId("penalty").onchange = () => change({ penalty: Number(byId("penalty").value) });
  byId("noise").oninput = () => {
    showSliders();
    change({ noise: Number(byId("noise").value) });
  };
  byId("training-points").oninput = () => {
    showSliders();
    change({ training_points: Number(byId("training-points").value) });
  };
  byId("seed").onchange = () => change({ seed: byId("seed").value === "" ? null : Number(byId("seed").value) });
  byId("new-seed").onclick = () => change({ seed: Math.floor(Math.random() * offered.largestSeed) });
  byId("fewer-layers").onclick = () => changeLayers(-1);
  byId("more-layers").onclick = () => changeLayers(1);
  drawPreviews();
}

/** Ask for other choices, by name; what is pressed next builds on them. */
export function change(changes) {
  choices = { ...choices, ...changes };
  choose(changes);
}

/** Show what the server has, unless it was asked for more meanwhile. */
export function showChoices(chosen) {
  held = chosen;
  if (isSettled()) restoreChoices();
}

/** Show what the server has, also where it refused something else. */
export function restoreChoices() {
  choices = held;
  if (held) fillIn(held);
}

function fillIn(chosen) {
  document.querySelector(`#datasets input[value="${chosen.dataset}"]`).checked = true;
  for (const box of document.querySelectorAll("#features input")) box.checked = chosen.features.includes(box.value);
  byId("noise").value = chosen.noise;
  byId("training-points").value = chosen.training_points;
  showSliders();
  byId("regularizer").value = chosen.regularizer;
  byId("penalty").value = chosen.penalty;
  byId("penalty").disabled = chosen.regularizer === "none";
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

/** More or fewer units in a hidden layer. */
export function changeUnits(layer, by) {
  const layers = [...choices.layers];
  layers[layer] += by;
  if (layers[layer] >= 1 && layers[layer] <= options.mostUnits) change({ layers });
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
  if (by > 0 && layers.length < options.mostLayers) change({ layers: [...layers, last] });
  if (by < 0 && layers.length) change({ layers: layers.slice(0, -1) });
}

function fill(id, pairs) {
  byId(id).replaceChildren(...pairs.map(([value, text]) => html("option", { value }, text)));
}

function named(name) {
  return NAMES[name] ?? name;
}

function showSliders() {
  byId("noise-shown").textContent = formatNumber(Number(byId("noise").value));
  byId("training-points-shown").textContent = `${byId("training-points").value} of ${options.points}`;
}

function featureBox([value, name]) {
  const boxes = () => [...document.querySelectorAll("#features input")];
  const chosen = () => boxes().filter((box) => box.checked).map((box) => box.value);
  return html("label", {}, html("input", { type: "checkbox", value, onchange: () => change({ features: chosen() }) }), name);
}

function preview(name) {
  return html(
    "label",
    {},
    html("input", { type: "radio", name: "dataset", value: name, onchange: () => change({ dataset: name }) }),
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
    for (const [x, y, part] of options.previews[canvas.dataset.dataset]) {
      context.fillStyle = colourAt(part);
      context.beginPath();
      context.arc(40 + 31 * x, 40 - 31 * y, 3.2, 0, 2 * Math.PI);
      context.fill();
    }
  }
}
