// The network as a picture: what each unit says about the plane, and the weights between them.

import { colourAt } from "./colours.js";
import { changeUnits, setAble, unitsCanChange } from "./controls.js";
import { byId, html, svg } from "./dom.js";
import { formatNumber } from "./format.js";
import { bytesOf, paint, wordsOf } from "./pictures.js";

const HEAD = 62; // height of the names above the columns
const LEAST_HEIGHT = { wide: 345, narrow: 232 };
const LARGEST_WEIGHT = 4; // from here on edges grow no thicker
const SMALLEST_GRADIENT = 1e-6; // gradients are shown from here to 1, on a logarithmic scale
const THICKEST = { few: 6, many: 3.5 }; // pixels of an edge

let columns = []; // {name, units: [{button, canvas, bias}]}
let edges = []; // {layer, from, to, line}
let start = null;
let picture = null;
let gradients = false;
let pointed = null; // {kind: "unit", column, unit} or {kind: "edge", layer, from, to}
let pointing = () => {};

/** Say what is called with the unit that is pointed at, or null. */
export function startNetwork(listener) {
  pointing = listener;
  new ResizeObserver(place).observe(byId("scroller"));
  byId("layers").addEventListener("keydown", walk);
  byId("show-weights").onclick = () => showGradients(false);
  byId("show-gradients").onclick = () => showGradients(true);
  showScale();
}

export function showGradients(shown) {
  gradients = shown;
  byId("show-weights").setAttribute("aria-pressed", String(!shown));
  byId("show-gradients").setAttribute("aria-pressed", String(shown));
  showScale();
  if (picture) drawNetwork(picture);
}

/** Make the columns for a network; those that are there are kept if they fit. */
export function makeNetwork(started, first) {
  const before = start && shapeOf(start);
  start = started;
  picture = first;
  if (before !== shapeOf(start)) rebuild();
  showHeads();
}

function shapeOf({ inputs, choices }) {
  return `${inputs.map(({ name }) => name)} ${choices.layers}`;
}

/** Draw a picture of the network that `makeNetwork` made. */
export function drawNetwork(shown) {
  picture = shown;
  drawUnits();
  drawEdges();
  showReadout();
}

/** All weights in order: {from, to, weight, gradient}; a bias comes from "bias". */
export function* allNumbers(shown) {
  for (let layer = 0; layer < columns.length - 1; layer++) {
    const [kernel, bias] = [shown.weights[2 * layer], shown.weights[2 * layer + 1]];
    const [kernelGradient, biasGradient] = [shown.gradients[2 * layer], shown.gradients[2 * layer + 1]];
    for (let to = 0; to < bias.length; to++) {
      for (let from = 0; from < kernel.length; from++) {
        yield {
          from: unitName(layer, from),
          to: unitName(layer + 1, to),
          weight: kernel[from][to],
          gradient: kernelGradient[from][to],
        };
      }
      yield { from: "bias", to: unitName(layer + 1, to), weight: bias[to], gradient: biasGradient[to] };
    }
  }
}

export function unitName(column, unit) {
  if (column === 0) return start.inputs[unit].name;
  if (column === columns.length - 1) return "output";
  return `layer ${column}, unit ${unit + 1}`;
}

// --- making ---------------------------------------------------------------------------------------

function rebuild() {
  const layers = byId("layers");
  const focused = layers.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const sizes = [start.inputs.length, ...start.choices.layers, 1];
  columns = sizes.map((size, column) => makeColumn(column, size, sizes.length - 1));
  edges = [];
  const hits = [];
  for (let layer = 0; layer + 1 < sizes.length; layer++) {
    for (let to = 0; to < sizes[layer + 1]; to++) {
      for (let from = 0; from < sizes[layer]; from++) hits.push(makeEdge(layer, from, to));
    }
  }
  const lines = svg("svg", { id: "edges", "aria-hidden": "true" }, edges.map((edge) => edge.line), hits);
  layers.replaceChildren(lines, ...columns.flatMap(({ head, units }) => [head, ...units.map((unit) => unit.button)]));
  columns[0].units[0].button.tabIndex = 0;
  place();
  point(null);
  if (focused) layers.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
}

function makeColumn(column, size, last) {
  const hidden = column > 0 && column < last;
  const name = column === 0 ? "inputs" : hidden ? `layer ${column}` : "output";
  const head = html("div", { class: "column-head" }, html("span", {}, name));
  let buttons = null;
  if (hidden) {
    const change = (by, sign, words) =>
      html(
        "button",
        { type: "button", "aria-label": `${words} in layer ${column}`, "data-key": `${by} ${column}`, onclick: () => changeUnits(column - 1, by) },
        sign,
      );
    buttons = { fewer: change(-1, "−", "One unit less"), more: change(1, "+", "One unit more") };
    head.append(html("div", { class: "counter" }, buttons.fewer, html("span", {}, String(size)), buttons.more));
  }
  const units = Array.from({ length: size }, (_, unit) => makeUnit(column, unit));
  return { head, buttons, units };
}

function makeUnit(column, unit) {
  const canvas = html("canvas", { "aria-hidden": "true" });
  const bias = column === 0 ? null : html("span", { class: "bias", "aria-hidden": "true" });
  const target = { kind: "unit", column, unit };
  const last = column === start.choices.layers.length + 1;
  const spoken = column === 0 ? `Input ${unitName(0, unit)}` : last ? "Output" : `Layer ${column}, unit ${unit + 1}`;
  const button = html(
    "button",
    {
      type: "button",
      class: "unit",
      tabindex: -1,
      "aria-label": spoken,
      "aria-describedby": "readout",
      "data-key": `unit ${column} ${unit}`,
      onpointerenter: () => point(target),
      onpointerleave: () => point(focusedUnit()),
      onfocus: () => point(target),
      onblur: () => point(null),
    },
    canvas,
    bias ?? [],
  );
  return { button, canvas, bias };
}

function makeEdge(layer, from, to) {
  const line = svg("path", { class: "edge" });
  const target = { kind: "edge", layer, from, to };
  const hit = svg("path", {
    class: "hit",
    onpointerenter: () => point(target),
    onpointerleave: () => point(focusedUnit()),
  });
  edges.push({ layer, from, to, line, hit });
  return hit;
}

function showHeads() {
  columns.forEach(({ buttons }, column) => {
    if (!buttons) return;
    setAble(buttons.fewer, unitsCanChange(column - 1, -1));
    setAble(buttons.more, unitsCanChange(column - 1, 1));
  });
}

/** Put everything where it belongs at the width there is. */
function place() {
  if (!columns.length) return;
  const narrow = matchMedia("(max-width: 860px)").matches;
  const width = Math.max(byId("scroller").clientWidth, columns.length * (narrow ? 92 : 70));
  const most = Math.max(...columns.map(({ units }) => units.length));
  const size = unitSize(most, width / columns.length, narrow);
  const pitch = size * 1.28;
  const height = Math.max(narrow ? LEAST_HEIGHT.narrow : LEAST_HEIGHT.wide, most * pitch);
  const layers = byId("layers");
  layers.style.width = `${width}px`;
  layers.style.height = `${HEAD + height}px`;
  const across = (column) => ((column + 0.5) * width) / columns.length;
  const down = (column, unit) => HEAD + height / 2 + (unit - (columns[column].units.length - 1) / 2) * pitch;
  columns.forEach(({ head, units }, column) => {
    head.style.left = `${across(column)}px`;
    units.forEach(({ button }, unit) => {
      button.style.width = button.style.height = `${size}px`;
      button.style.left = `${across(column) - size / 2}px`;
      button.style.top = `${down(column, unit) - size / 2}px`;
    });
  });
  for (const { layer, from, to, line, hit } of edges) {
    const [x1, x2] = [across(layer) + size / 2, across(layer + 1) - size / 2];
    const [y1, y2] = [down(layer, from), down(layer + 1, to)];
    const middle = (x1 + x2) / 2;
    const d = `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
    line.setAttribute("d", d);
    hit.setAttribute("d", d);
  }
}

/** Pixels of a unit's picture: large where there are few. */
function unitSize(most, across, narrow) {
  if (most > 7) return 34;
  if (narrow) return 42;
  return Math.min(most > 5 ? 46 : 58, across * 0.55);
}

// --- drawing --------------------------------------------------------------------------------------

function drawUnits() {
  columns.forEach(({ units }, column) => {
    units.forEach(({ canvas, bias }, unit) => {
      const { values, side } = unitPicture(column, unit);
      paint(canvas, values, side);
      if (bias) {
        const number = numbersOf(2 * column - 1)[unit];
        bias.style.background = number === null ? "var(--bad)" : colourAt(number > 0 ? 1 : -1);
        bias.style.opacity = strength(number);
      }
    });
  });
}

/** What a unit says over the plane, from 0 to 255, and how many numbers a side. */
export function unitPicture(column, unit) {
  if (column === columns.length - 1) return { values: wordsOf(picture.boundary), side: start.grid };
  return { values: bytesOf(responseOf(column, unit).picture), side: start.unitGrid };
}

/** The smallest and the largest that a unit gives over the plane, and of most units a picture. */
function responseOf(column, unit) {
  if (column === 0) return start.inputs[unit];
  return column === columns.length - 1 ? picture.output : picture.units[column - 1][unit];
}

/** The numbers for which the darkest colours of a unit's picture stand. */
export function unitScale(column, unit) {
  if (column === columns.length - 1) return start.range;
  const { low, high } = responseOf(column, unit);
  const largest = Math.max(Math.abs(low), Math.abs(high));
  return [-largest, largest];
}

function drawEdges() {
  const thickest = columns.some(({ units }) => units.length > 7) ? THICKEST.many : THICKEST.few;
  for (const { layer, from, to, line } of edges) {
    const number = numbersOf(2 * layer)[from][to];
    const far = strength(number);
    line.classList.toggle("nothing", number === 0);
    line.classList.toggle("not-finite", number === null);
    line.style.stroke = number ? colourAt(number > 0 ? 1 : -1) : "";
    line.style.strokeWidth = `${1 + (thickest - 1) * far}px`;
    line.style.opacity = number ? 0.25 + 0.75 * far : 1;
  }
}

/** The weights that stand at this place, or their gradients. */
function numbersOf(place) {
  return (gradients ? picture.gradients : picture.weights)[place];
}

/** From 0 to 1, how much of a number is to be seen. */
function strength(number) {
  if (number === null) return 1;
  const size = Math.abs(number);
  if (!gradients) return Math.sqrt(Math.min(1, size / LARGEST_WEIGHT));
  if (size <= SMALLEST_GRADIENT) return 0;
  return Math.min(1, 1 - Math.log10(size) / Math.log10(SMALLEST_GRADIENT));
}

function showScale() {
  byId("scale").textContent = gradients
    ? "thicker: further from 0, in powers of ten from 10⁻⁶ to 1"
    : `thicker: further from 0, up to ${LARGEST_WEIGHT}`;
}

// --- pointing -------------------------------------------------------------------------------------

function point(target) {
  pointed = target;
  pointing(target?.kind === "unit" ? target : null);
  showReadout();
}

function focusedUnit() {
  const key = document.activeElement?.dataset?.key?.split(" ");
  if (key?.[0] !== "unit") return null;
  return { kind: "unit", column: Number(key[1]), unit: Number(key[2]) };
}

/** Arrow keys: up and down among the units of a layer, left and right among layers. */
function walk(event) {
  const here = focusedUnit();
  const steps = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
  if (!here || !steps[event.key]) return;
  event.preventDefault();
  const [across, down] = steps[event.key];
  const column = Math.max(0, Math.min(columns.length - 1, here.column + across));
  const { units } = columns[column];
  const unit = Math.max(0, Math.min(units.length - 1, here.unit + down));
  columns[here.column].units[here.unit].button.tabIndex = -1;
  for (const other of columns) for (const { button } of other.units) button.tabIndex = -1;
  units[unit].button.tabIndex = 0;
  units[unit].button.focus();
}

function showReadout() {
  byId("readout").replaceChildren(...readout());
}

function readout() {
  if (!pointed || !picture) return [html("p", { class: "quietly" }, "Point at a unit or an edge; with the keyboard, Tab goes to the units and the arrow keys move among them.")];
  if (pointed.kind === "edge") return edgeReadout(pointed);
  const { column, unit } = pointed;
  const layer = column - 1;
  const { low, high } = responseOf(column, unit);
  const range = `${formatNumber(low, 3)} to ${formatNumber(high, 3)} over the plane.`;
  if (column === 0) return [html("p", {}, html("strong", {}, unitName(0, unit)), ` is ${range}`)];
  const incoming = numbersOf(2 * layer).map((row) => row[unit]);
  const bias = numbersOf(2 * layer + 1)[unit];
  return [
    html("p", {}, html("strong", {}, sentence(unitName(column, unit))), ` gives ${range}`),
    html(
      "p",
      { class: "digits" },
      gradients ? "gradients: " : "weights: ",
      [...incoming.map((number, from) => `${shortName(layer, from)} ${formatNumber(number, 3)}`), `bias ${formatNumber(bias, 3)}`].join(", "),
    ),
  ];
}

function edgeReadout({ layer, from, to }) {
  const weight = picture.weights[2 * layer][from][to];
  const gradient = picture.gradients[2 * layer][from][to];
  return [
    html("p", {}, html("strong", {}, `From ${unitName(layer, from)} to ${unitName(layer + 1, to)}`)),
    html("p", { class: "digits" }, `weight ${formatNumber(weight, 3)}, gradient ${formatNumber(gradient, 3)}`),
  ];
}

function shortName(column, unit) {
  return column === 0 ? unitName(0, unit) : `unit ${unit + 1}`;
}

function sentence(text) {
  return text[0].toUpperCase() + text.slice(1);
}
