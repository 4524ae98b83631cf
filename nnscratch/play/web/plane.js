// The plane: what the network, or one of its units, says about each place, and the points.

import { isDark, paint, poleColour } from "./colours.js";
import { byId, html } from "./dom.js";
import { formatNumber, inputName } from "./format.js";
import { unitName, unitPicture, unitRange } from "./network.js";

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
  paint(field, values, cells);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.imageSmoothingQuality = "high";
  context.drawImage(field, 0, 0, side, side);
  context.scale(side / SIDE, side / SIDE);
  const decides = shown.column === output.column;
  if (decides) drawBoundary(context, values, cells);
  drawPoints(context);
  byId("plane-title").textContent = decides ? "What it decides" : `What ${unitName(shown.column, shown.unit)} says`;
}

/** The line where the output is ½, cell by cell, straight inside each. */
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
  const { points, classes, training, reach } = start;
  points.forEach(([x, y], i) => {
    const [left, top] = [((x / reach + 1) / 2) * SIDE, ((1 - y / reach) / 2) * SIDE];
    drawPoint(context, left, top, classes[i] === 1, i < training);
  });
}

/** A disc for a point that is trained on, a diamond for one that is held out. */
function drawPoint(context, left, top, positive, training) {
  context.beginPath();
  if (training) context.arc(left, top, 3.3, 0, 2 * Math.PI);
  else {
    context.moveTo(left, top - 4.6);
    context.lineTo(left + 4.6, top);
    context.lineTo(left, top + 4.6);
    context.lineTo(left - 4.6, top);
    context.closePath();
  }
  context.fillStyle = poleColour(positive);
  context.fill();
  context.strokeStyle = isDark() ? "#15181c" : "#ffffff";
  context.lineWidth = 1;
  context.stroke();
}

/** The key of the points' shapes and colours. */
export function drawPointKeys() {
  const sample = (training, positives, text) => {
    const canvas = html("canvas", { width: 24 * positives.length, height: 24, "aria-hidden": "true" });
    canvas.style.width = `${12 * positives.length}px`;
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    positives.forEach((positive, i) => drawPoint(context, 6 + 12 * i, 6, positive, training));
    return html("span", {}, canvas, text);
  };
  byId("point-keys").replaceChildren(sample(true, [true, false], "training"), sample(false, [true, false], "held out"));
}

function readOut(event) {
  if (!shown) return;
  const box = event.currentTarget.getBoundingClientRect();
  const [across, down] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  if (across < 0 || across >= 1 || down < 0 || down >= 1) return;
  const { values, side } = unitPicture(shown.column, shown.unit);
  const part = values[Math.floor(down * side) * side + Math.floor(across * side)] / 255;
  const [low, high] = unitRange(shown.column, shown.unit);
  const largest = Math.max(Math.abs(low), Math.abs(high));
  const value = shown.column === output.column ? part : (2 * part - 1) * largest;
  const place = [start.reach * (2 * across - 1), start.reach * (1 - 2 * down)];
  byId("plane-readout").textContent = `${place.map((x, i) => `${inputName(i)} ${formatNumber(Number(x.toFixed(2)))}`).join(", ")}: ${formatNumber(Number(value.toFixed(2)))}`;
}

/** For those who cannot see the picture: how much of the plane goes to which class. */
export function describePlane(picture) {
  const { values } = unitPicture(output.column, 0);
  const share = values.reduce((sum, value) => sum + (value > 127.5), 0) / values.length;
  const [training, heldOut] = picture.accuracy.map((part) => `${Math.round(100 * part)} %`);
  byId("plane-says").textContent = `${Math.round(100 * share)} % of the plane goes to the orange class. ${training} of the training points and ${heldOut} of the held-out points are on the right side.`;
}
