// The two loss curves.

import { byId, html, svg } from "./dom.js";
import { formatNumber } from "./format.js";
import { formatLoss } from "./numbers.js";

const SIZE = { width: 360, height: 150, left: 44, right: 6, top: 8, bottom: 20 };
const CURVES = [
  { name: "training", style: "training" },
  { name: "held out", style: "held-out" },
];

let drawn = null; // the curve and its scale, for the pointer

export function startLosses() {
  const marker = svg("line", { class: "marker", y1: SIZE.top, y2: SIZE.height - SIZE.bottom, visibility: "hidden" });
  const chart = svg("svg", { class: "chart", id: "chart", viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img" });
  for (const { style } of CURVES) chart.append(svg("path", { class: `series ${style}`, id: `curve-${style}` }));
  for (let i = 0; i < 3; i++) {
    chart.prepend(svg("line", { class: "axis", id: `axis-${i}`, x1: SIZE.left, x2: SIZE.width - SIZE.right }));
    chart.append(svg("text", { class: "tick", id: `tick-${i}`, x: SIZE.left - 6, "text-anchor": "end" }));
  }
  chart.append(
    svg("text", { class: "tick", x: SIZE.left, y: SIZE.height - 5 }, "step 0"),
    svg("text", { class: "tick", id: "last-step", x: SIZE.width - SIZE.right, y: SIZE.height - 5, "text-anchor": "end" }),
    marker,
  );
  chart.addEventListener("pointermove", (event) => readOut(event, marker));
  chart.addEventListener("pointerleave", () => {
    marker.setAttribute("visibility", "hidden");
    byId("loss-readout").textContent = "";
  });
  const keys = CURVES.map(({ name, style }) =>
    html(
      "span",
      {},
      svg("svg", { width: 26, height: 10, "aria-hidden": "true" }, svg("line", { class: `series ${style}`, x1: 0, x2: 26, y1: 5, y2: 5 })),
      name,
    ),
  );
  byId("losses").append(chart, html("p", { class: "key" }, html("span", { class: "point-keys" }, keys), html("span", { id: "loss-readout", class: "digits" })));
}

/** Draw [step, training loss, held-out loss] rows; null is not finite and leaves a gap. */
export function drawLosses(curve) {
  const finite = curve.flatMap(([, ...losses]) => losses.filter((loss) => loss !== null));
  const high = Math.max(...finite, 1e-9);
  const last = Math.max(curve[curve.length - 1][0], 1);
  const x = (step) => SIZE.left + ((SIZE.width - SIZE.left - SIZE.right) * step) / last;
  const y = (loss) => SIZE.top + (SIZE.height - SIZE.top - SIZE.bottom) * (1 - loss / high);
  drawn = { curve, x, last };
  CURVES.forEach(({ style }, place) => {
    byId(`curve-${style}`).setAttribute("d", pathOf(curve, place + 1, x, y));
  });
  [0, high / 2, high].forEach((loss, i) => {
    byId(`axis-${i}`).setAttribute("y1", y(loss));
    byId(`axis-${i}`).setAttribute("y2", y(loss));
    byId(`tick-${i}`).setAttribute("y", y(loss) + 4);
    byId(`tick-${i}`).textContent = formatNumber(loss, 2);
  });
  byId("last-step").textContent = String(curve[curve.length - 1][0]);
  byId("chart").setAttribute("aria-label", spoken(curve));
}

function pathOf(curve, place, x, y) {
  let path = "";
  let pen = "M";
  for (const row of curve) {
    if (row[place] === null) {
      pen = "M";
      continue;
    }
    path += `${pen}${x(row[0]).toFixed(1)} ${y(row[place]).toFixed(1)}`;
    pen = "L";
  }
  return path;
}

function spoken(curve) {
  const [first, last] = [curve[0], curve[curve.length - 1]];
  const words = CURVES.map(({ name }, i) => `${name} from ${formatLoss(first[i + 1])} to ${formatLoss(last[i + 1])}`);
  return `Loss over ${last[0]} steps: ${words.join(", ")}`;
}

function readOut(event, marker) {
  if (!drawn) return;
  const { curve, x, last } = drawn;
  const { left, width } = event.currentTarget.getBoundingClientRect();
  const inside = ((event.clientX - left) / width) * SIZE.width;
  const step = (last * (inside - SIZE.left)) / (SIZE.width - SIZE.left - SIZE.right);
  const near = curve.reduce((a, b) => (Math.abs(b[0] - step) < Math.abs(a[0] - step) ? b : a));
  marker.setAttribute("x1", x(near[0]));
  marker.setAttribute("x2", x(near[0]));
  marker.setAttribute("visibility", "visible");
  byId("loss-readout").textContent = `${near[0]}: ${formatLoss(near[1])}, ${formatLoss(near[2])}`;
}
