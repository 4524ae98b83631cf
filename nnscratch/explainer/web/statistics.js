// What can be said of all numbers of an array at once.

function statistics(array) {
  if (!array || sizeOf(array.shape) < 2) return null;
  const items = [
    ["norm", formatNumber(array.norm)],
    ["smallest", array.min === null ? "–" : formatNumber(array.min)],
    ["largest", array.max === null ? "–" : formatNumber(array.max)],
    ["mean", array.mean === null ? "–" : formatNumber(array.mean)],
    ["zeros", formatShare(array.zeros)],
    ...(array.notFinite ? [["not finite", String(array.notFinite)]] : []),
  ];
  const list = html(
    "dl",
    { class: "statistics" },
    items.map(([name, text]) => html("div", {}, html("dt", {}, name), html("dd", {}, text))),
  );
  return html("div", {}, list, histogram(array));
}

/** Bars of how many numbers there are of each size, on a scale of square roots. */
function histogram(array) {
  if (!array.histogram) return null;
  const { edges, counts } = array.histogram;
  const [first, last] = edges;
  const [width, height] = [240, 44];
  const most = Math.max(...counts);
  const step = width / counts.length;
  const bars = counts.map((count, place) => {
    const high = most ? (height - 2) * Math.sqrt(count / most) : 0;
    return svg("rect", {
      class: "bar-shape",
      x: place * step + 0.5,
      y: height - high,
      width: step - 1,
      height: high,
    });
  });
  const zero =
    first < 0 && last > 0
      ? svg("line", {
          class: "zero",
          x1: (-first / (last - first)) * width,
          x2: (-first / (last - first)) * width,
          y1: 0,
          y2: height,
        })
      : null;
  const ends = [
    svg("text", { class: "tick", x: 0, y: height + 13 }, formatNumber(first, 3)),
    svg(
      "text",
      { class: "tick", x: width, y: height + 13, "text-anchor": "end" },
      formatNumber(last, 3),
    ),
  ];
  const words = `Histogram of ${sizeOf(array.shape)} numbers from ${formatNumber(first, 3)} to ${formatNumber(last, 3)}`;
  return svg(
    "svg",
    {
      class: "histogram",
      width,
      height: height + 16,
      viewBox: `0 0 ${width} ${height + 16}`,
      role: "img",
      "aria-label": words,
    },
    bars,
    zero,
    ends,
  );
}
