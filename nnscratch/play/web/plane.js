// The plane: what the network, or one of its units, says about each place, and the points.

import { colourAt, isDark } from "./colours.js";
import { byId, html } from "./dom.js";
import { formatNumber } from "./format.js";
import { unitName, unitPicture, unitScale } from "./network.js";
import { paint } from "./pictures.js";

const SIDE = 340; // the size that widths of lines and points are meant for

const field = html("canvas");
let start = null;
let shown = null; // {column, unit}
let output = null;

export function startPlane() {
  const canvas = byId("plane");
  new ResizeObserver(drawPlane).observe(canvas);
  canvas.addEventListener("pointermove", readOut);
  canvas.addEventListener("pointerleave", () => byId("plane-readout").replaceChildren());
  byId("show-held-out").onchange = drawPlane;
  byId("two-colours").onchange = drawPlane;
}

export function setPoints(started) {
  start = started;
  output = { column: started.choices.layers.length + 1, unit: 0 };
  shown = output;
}

/** Show what one unit says, or with null the whole network. */
export function showUnit(unit) {
  if (!start) return;
  shown = unit ?? output;
  drawPlane();
}

export function drawPlane() {
  const canvas = byId("plane");
  const side = canvas.clientWidth * devicePixelRatio;
  if (!shown || !side) return;
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  const { values, side: cells } = unitPicture(shown.column, shown.unit);
  paint(field, byId("two-colours").checked ? values.map((value) => (value > 127.5 ? 255 : 0)) : values, cells);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.imageSmoothingEnabled = !byId("two-colours").checked;
  context.imageSmoothingQuality = "high";
  context.drawImage(field, 0, 0, side, side);
  context.scale(side / SIDE, side / SIDE);
  const decides = shown.column === output.column;
  if (decides) drawBoundary(context, values, cells);
  drawPoints(context);
  const whole = start.metric === "accuracy" ? "What it decides" : "What it fits";
  byId("plane-title").textContent = decides ? whole : `What ${unitName(shown.column, shown.unit)} says`;
}

/** The line where the output is in the middle of its range, cell by cell, straight inside each. */
function drawBoundary(context, values, cells) {
  // Before the sigmoid numbers grow more evenly, so the line between two cells is better placed.
  const logits = values.map((value) => Math.log((value + 0.001) / (255.001 - value)));
  const at = (row, column) => logits[row * cells + column];
  const step = SIDE / cells;
  context.beginPath();
  for (let row = 0; row + 1 < cells; row++) {
    for (let column = 0; column + 1 < cells; column++) {
      const corners = [
        [row, column],
        [row, column + 1],
        [row + 1, column + 1],
        [row + 1, column],
      ];
      const crossings = [];
      corners.forEach(([r, c], i) => {
        const [r2, c2] = corners[(i + 1) % 4];
        const [a, b] = [at(r, c), at(r2, c2)];
        if (a > 0 === b > 0) return;
        const part = a / (a - b); // of the way from one corner to the next
        crossings.push([(c + part * (c2 - c) + 0.5) * step, (r + part * (r2 - r) + 0.5) * step]);
      });
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        context.moveTo(...crossings[i]);
        context.lineTo(...crossings[i + 1]);
      }
    }
  }
  context.strokeStyle = isDark() ? "#e9ebee" : "#1c2128";
  context.lineWidth = 1.4;
  context.stroke();
}

function drawPoints(context) {
  const { points, targets, range, training, reach } = start;
  const [low, high] = range;
  points.slice(0, byId("show-held-out").checked ? points.length : training).forEach(([x, y], i) => {
    const [left, top] = [((x / reach + 1) / 2) * SIDE, ((1 - y / reach) / 2) * SIDE];
    drawPoint(context, left, top, (2 * targets[i] - low - high) / (high - low), i < training);
  });
}

/** A disc for a point that is trained on, a diamond for one that is held out. */
function drawPoint(context, left, top, part, training) {
  context.beginPath();
  if (training) context.arc(left, top, 3.3, 0, 2 * Math.PI);
  else {
    context.moveTo(left, top - 4.6);
    context.lineTo(left + 4.6, top);
    context.lineTo(left, top + 4.6);
    context.lineTo(left - 4.6, top);
    context.closePath();
  }
  context.fillStyle = colourAt(part);
  context.fill();
  const ground = Math.abs(part) > 0.5 ? ["#ffffff", "#15181c"] : ["#57606a", "#a5aebb"]; // never like the point itself
  context.strokeStyle = ground[Number(isDark())];
  context.lineWidth = 1;
  context.stroke();
}

/** The key of the points' shapes and colours. */
export function drawPointKeys() {
  const sample = (training, text) => {
    const canvas = html("canvas", { width: 48, height: 24, "aria-hidden": "true" });
    canvas.style.width = "24px";
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    [1, -1].forEach((part, i) => drawPoint(context, 6 + 12 * i, 6, part, training));
    return html("span", {}, canvas, text);
  };
  byId("point-keys").replaceChildren(sample(true, "training"), sample(false, "held out"));
}

function readOut(event) {
  if (!shown) return;
  const box = event.currentTarget.getBoundingClientRect();
  const [across, down] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  if (across < 0 || across >= 1 || down < 0 || down >= 1) return;
  const { values, side } = unitPicture(shown.column, shown.unit);
  const part = values[Math.floor(down * side) * side + Math.floor(across * side)] / 255;
  const [low, high] = unitScale(shown.column, shown.unit);
  const value = low + part * (high - low);
  const cut = start.metric !== "accuracy" && shown.column === output.column; // a value has no bounds
  const beyond = cut && part === 1 ? " or more" : cut && part === 0 ? " or less" : "";
  const [x1, x2, rounded] = [start.reach * (2 * across - 1), start.reach * (1 - 2 * down), value].map((number) => formatNumber(Number(number.toFixed(2))));
  byId("plane-readout").textContent = `x₁ ${x1}, x₂ ${x2}: ${rounded}${beyond}`;
}

/** For those who cannot see the picture: how much of the plane goes to which class. */
export function describePlane(picture) {
  const { values } = unitPicture(output.column, 0);
  const share = values.reduce((sum, value) => sum + (value > 127.5), 0) / values.length;
  const ofPlane = `${Math.round(100 * share)} % of the plane`;
  if (start.metric === "accuracy") {
    const [training, heldOut] = picture.metric.map((part) => `${Math.round(100 * part)} %`);
    byId("plane-says").textContent = `${ofPlane} goes to the orange class. ${training} of the training points and ${heldOut} of the held-out points are on the right side.`;
  } else {
    const [training, heldOut] = picture.metric.map((error) => formatNumber(error, 3));
    byId("plane-says").textContent = `The output is above 0 on ${ofPlane}. On average it is wrong by ${training} at the training points and by ${heldOut} at those held out.`;
  }
}
