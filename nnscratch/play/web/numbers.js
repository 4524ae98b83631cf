// The numbers in words: the readings at the top, the table, and what is said aloud.

import { byId, html } from "./dom.js";
import { formatNumber } from "./format.js";
import { allNumbers } from "./network.js";

const SECONDS_BETWEEN_WORDS = 4;
const SECONDS_BETWEEN_TABLES = 1;

let hasClasses = true;
let spokenAt = 0;
let tableAt = 0;

export function startNumbers(latest) {
  byId("numbers-part").addEventListener("toggle", () => latest() && drawTable(latest()));
}

/** A loss with as many decimals as it takes to compare it with its neighbours in time. */
export function formatLoss(loss) {
  if (loss === null) return formatNumber(loss);
  return loss < 1000 ? loss.toFixed(loss < 10 ? 4 : 2) : formatNumber(loss, 3);
}

/** An accuracy, or a mean error where the targets are values. */
function formatMetric(metric) {
  return hasClasses ? `${(100 * metric).toFixed(1)} %` : formatLoss(metric);
}

/** Name what is measured besides the loss. */
export function nameMetric({ metric }) {
  hasClasses = metric === "accuracy";
  byId("metric-name").textContent = metric;
  byId("held-out-metric-name").textContent = `held-out ${metric}`;
}

/** Show a picture's numbers; while training runs, the slower ones only now and then. */
export function drawNumbers(picture) {
  byId("step-count").textContent = String(picture.step);
  byId("epoch-count").textContent = picture.epoch.toFixed(Number.isInteger(picture.epoch) ? 0 : 1);
  byId("loss-training").textContent = formatLoss(picture.loss[0]);
  byId("loss-held-out").textContent = formatLoss(picture.loss[1]);
  byId("metric-training").textContent = formatMetric(picture.metric[0]);
  byId("metric-held-out").textContent = formatMetric(picture.metric[1]);
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
    html("tr", {}, html("td", {}, from), html("td", {}, to), html("td", {}, formatNumber(weight)), html("td", {}, formatNumber(gradient))),
  );
  byId("numbers").replaceChildren(...rows);
}
