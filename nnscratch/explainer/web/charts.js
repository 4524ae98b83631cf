// Curves over steps.

const CHART = { width: 420, height: 170, left: 62, right: 8, top: 8, bottom: 22 };

/**
 * A line chart. `series` are {name, values}; values that are not finite leave gaps.
 *
 * `marker` is the step that is shown; `choose(step)` is called for a click.
 */
function lineChart({
  label,
  series,
  log = false,
  marker = null,
  choose = null,
  small = false,
  first = 1,
}) {
  const size = small ? { ...CHART, width: 230, height: 104, bottom: 18 } : CHART;
  const usable = series.map((one) => ({
    ...one,
    values: one.values.map((value) => plotted(value, log)),
  }));
  const finite = usable.flatMap((one) => one.values.filter((value) => value !== null));
  const steps = Math.max(1, ...series.map((one) => one.values.length));
  const [low, high] = rangeOf(finite);
  const x = (step) =>
    size.left + (size.width - size.left - size.right) * (steps === 1 ? 0.5 : step / (steps - 1));
  const y = (value) =>
    size.top + (size.height - size.top - size.bottom) * (1 - (value - low) / (high - low));
  const curves = usable.map((one, place) =>
    curve(one.values, x, y, one.style ?? curveStyle(place)),
  );
  const ticks = [low, (low + high) / 2, high].map((value) => [
    svg("line", {
      class: "axis",
      x1: size.left,
      x2: size.width - size.right,
      y1: y(value),
      y2: y(value),
    }),
    svg(
      "text",
      { class: "tick", x: size.left - 6, y: y(value) + 4, "text-anchor": "end" },
      formatNumber(log ? 10 ** value : value, 3),
    ),
  ]);
  const ends = [
    svg("text", { class: "tick", x: x(0), y: size.height - 5 }, String(first)),
    svg(
      "text",
      { class: "tick", x: x(steps - 1), y: size.height - 5, "text-anchor": "end" },
      steps > 1 ? String(first + steps - 1) : "",
    ),
  ];
  const line =
    marker === null
      ? null
      : svg("line", {
          class: "marker",
          x1: x(marker),
          x2: x(marker),
          y1: size.top,
          y2: size.height - size.bottom,
        });
  const dots =
    marker === null || usable.length > 2
      ? []
      : usable.map(({ values }) => dotAt(values[marker], x(marker), y));
  const chart = svg(
    "svg",
    {
      class: "chart",
      viewBox: `0 0 ${size.width} ${size.height}`,
      role: "img",
      "aria-label": spokenChart(label, series, log),
    },
    ticks,
    ends,
    line,
    curves,
    dots,
  );
  if (choose) {
    chart.style.cursor = "pointer";
    chart.addEventListener("click", (event) => {
      const { left, width } = chart.getBoundingClientRect();
      const inside = ((event.clientX - left) / width) * size.width;
      const part = (inside - size.left) / (size.width - size.left - size.right);
      choose(Math.max(0, Math.min(steps - 1, Math.round(part * (steps - 1)))));
    });
  }
  return chart;
}

function plotted(value, log) {
  const number = Number(value ?? NaN);
  if (!Number.isFinite(number) || (log && number <= 0)) return null;
  return log ? Math.log10(number) : number;
}

function rangeOf(values) {
  if (!values.length) return [0, 1];
  const [low, high] = [
    values.reduce((a, b) => Math.min(a, b)),
    values.reduce((a, b) => Math.max(a, b)),
  ];
  if (high > low) return [low, high];
  const room = Math.abs(low) * 0.1 || 1;
  return [low - room, high + room];
}

function curve(values, x, y, { colour, dashes }) {
  let path = "";
  let pen = "M";
  values.forEach((value, step) => {
    if (value === null) {
      pen = "M";
      return;
    }
    path += `${pen}${x(step).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = "L";
  });
  const line = svg("path", { class: "series", d: path, "stroke-dasharray": dashes || null });
  line.style.stroke = colour;
  return line;
}

function dotAt(value, x, y) {
  return value === null || value === undefined
    ? null
    : svg("circle", { class: "dot", cx: x, cy: y(value), r: 3 });
}

function spokenChart(label, series, log) {
  const words = series.slice(0, 8).map(({ name, values }) => {
    if (!values.length) return `${name}: nothing`;
    return `${name} from ${formatNumber(values[0] ?? NaN)} to ${formatNumber(values[values.length - 1] ?? NaN)}`;
  });
  return `${label}${log ? ", logarithmic scale" : ""}: ${words.join("; ")}`;
}

/** What each curve is, with a sample of its colour and dashes. */
function chartKeys(names, styles = names.map((_, place) => curveStyle(place))) {
  return html(
    "ul",
    { class: "keys-of-chart" },
    names.map((name, place) => html("li", {}, sampleOf(styles[place]), name)),
  );
}

function sampleOf({ colour, dashes }) {
  const line = svg("line", {
    x1: 0,
    x2: 26,
    y1: 5,
    y2: 5,
    "stroke-width": 2.2,
    "stroke-dasharray": dashes || null,
  });
  line.style.stroke = colour;
  return svg("svg", { width: 26, height: 10, "aria-hidden": "true" }, line);
}

/** Colours of curves, with a pattern of dashes each, so that colour is not all that tells them. */
const CURVES = [
  { colour: "light-dark(#0b6b63, #4fc4b6)", dashes: "" },
  { colour: "light-dark(#86308f, #dd93e6)", dashes: "7 3" },
  { colour: "light-dark(#b04a0c, #fb9646)", dashes: "2 3" },
  { colour: "light-dark(#2b6cb0, #60a5fa)", dashes: "9 3 2 3" },
  { colour: "light-dark(#5d6b00, #c3cf5a)", dashes: "4 4" },
  { colour: "light-dark(#57606a, #a5aebb)", dashes: "12 4" },
];

/** Colour and dashes of the n-th curve; no two of the first 36 have both in common. */
function curveStyle(place) {
  const round = Math.floor(place / CURVES.length);
  return {
    colour: CURVES[place % CURVES.length].colour,
    dashes: CURVES[(place + round) % CURVES.length].dashes,
  };
}
