// The numbers in words: the readings at the top, the table, and what is said aloud.

import { byId, html } from "./dom.js";
import { formatLoss, formatNumber, formatShare } from "./format.js";
import { allNumbers } from "./network.js";

const SECONDS_BETWEEN_WORDS = 4;
const SECONDS_BETWEEN_TABLES = 1;

let spokenAt = 0;
let tableAt = 0;

export function startNumbers(latest) {
  byId("numbers-part").addEventListener("toggle", () => latest() && drawTable(latest()));
}

/** Show a picture's numbers; while training runs, the slower ones only now and then. */
export function drawNumbers(picture) {
  byId("step-count").textContent = String(picture.step);
  byId("epoch-count").textContent = picture.epoch.toFixed(Number.isInteger(picture.epoch) ? 0 : 1);
  byId("loss-training").textContent = formatLoss(picture.loss[0]);
  byId("loss-held-out").textContent = formatLoss(picture.loss[1]);
  byId("accuracy-training").textContent = formatShare(picture.accuracy[0]);
  byId("accuracy-held-out").textContent = formatShare(picture.accuracy[1]);
  const now = performance.now() / 1000;
  if (!picture.running || now - spokenAt > SECONDS_BETWEEN_WORDS) {
    spokenAt = now;
    byId("status").textContent = `Step ${picture.step}: loss ${formatLoss(picture.loss[0])}, held-out loss ${formatLoss(picture.loss[1])}`;
  }
  if (!picture.running || now - tableAt > SECONDS_BETWEEN_TABLES) {
    tableAt = now;
    drawTable(picture);
  }
}

function drawTable(picture) {
  if (!byId("numbers-part").open) return;
  const rows = [...allNumbers(picture)].map(({ from, to, weight, gradient }) =>
    html("tr", {}, html("td", {}, from), html("td", {}, to), html("td", {}, formatNumber(weight, 4)), html("td", {}, formatNumber(gradient, 4))),
  );
  byId("numbers").replaceChildren(...rows);
}
