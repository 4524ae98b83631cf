// The tab in which backprop is done wrong on purpose, and the line over the graph that says so.

function drawBreaks() {
  return [
    html("h2", {}, "Break it"),
    html(
      "p",
      { class: "quietly" },
      "Switch a mistake on to see what it does to your gradients, and to twenty steps of gradient descent from here.",
    ),
    ...[...tape.breaks]
      .sort((one, other) => (one.why !== null) - (other.why !== null))
      .map(breakCard),
  ];
}

function breakCard(one) {
  const on = state.broken === one.key;
  const names = { title: `break-${one.key}`, says: `says-${one.key}` };
  return html(
    "section",
    { class: on ? "break on" : "break", "aria-labelledby": names.title },
    html(
      "div",
      { class: "break-head" },
      html("h3", { id: names.title }, one.title),
      html("button", {
        type: "button",
        class: "switch",
        role: "switch",
        "aria-checked": String(on),
        "aria-label": one.title,
        "aria-describedby": names.says,
        disabled: one.why !== null,
        onclick: () => change({ broken: on ? null : one.key }),
      }),
    ),
    html("p", { id: names.says }, one.says),
    one.why === null
      ? null
      : html("p", { class: "quietly" }, `It changes nothing here. ${one.why}`),
    on ? [whereItBegins(), lossesOf(one), leavesOf(one), onTheWay(one)] : null,
  );
}

const MOST_BEGINNINGS = 6;

/** Where a share is lost or the first wrong number stands, and how far it spreads. */
function whereItBegins() {
  const wrong = wrongNow();
  const all = tape.entries.filter((entry) => entry.gradient).length;
  const lost = [...wrong.lost.keys()].slice(0, MOST_BEGINNINGS).map((id) => {
    const edge = tape.edges[id];
    return html("li", {}, pair(edge.source, edge, "The share that is lost"), " ", lostWords(edge));
  });
  const first = [...wrong.first].slice(0, MOST_BEGINNINGS).map(entryButton);
  return html(
    "div",
    { "data-label": "Where it begins" },
    lost.length ? [html("h4", {}, "What is lost"), html("ul", { class: "shares" }, lost)] : null,
    first.length
      ? [
          html("h4", {}, "The first wrong gradients, in the order of the walk"),
          html(
            "div",
            { class: "row" },
            first,
            wrong.first.size > first.length ? `and ${wrong.first.size - first.length} more` : null,
          ),
        ]
      : null,
    html(
      "p",
      { class: "quietly" },
      `${wrong.gradients.size} of ${plural(all, "gradient")} ${wrong.gradients.size === 1 ? "differs" : "differ"}; they are marked ✗ in the graph.`,
    ),
  );
}

function lossesOf(one) {
  if (!one.losses) return null;
  const series = [
    { name: "right", values: one.losses.right, style: { colour: "var(--good)", dashes: "" } },
    { name: "wrong", values: one.losses.wrong, style: { colour: "var(--bad)", dashes: "6 3" } },
  ];
  const ends = series.map(({ values }) => formatNumber(values[values.length - 1]));
  return html(
    "div",
    {},
    html("h4", {}, "Loss in gradient descent"),
    lineChart({ label: "Loss", series }),
    chartKeys(
      [`right, ends at ${ends[0]}`, `wrong, ends at ${ends[1]}`],
      series.map(({ style }) => style),
    ),
  );
}

/** What training would use: the gradients of parameters and variables. */
function leavesOf(one) {
  return one.gradients
    .filter(({ entry }) => !isOp(entry))
    .map(({ entry }) =>
      html(
        "div",
        { class: "compared", "data-label": nameOf(entry) },
        html("div", { class: "row" }, entryButton(entry)),
        comparedGradient(tape.entries[entry]),
      ),
    );
}

/** The operations whose gradients differ, as the walk comes to them. */
function onTheWay() {
  const ops = [...wrongNow().gradients.values()].filter(({ entry }) => isOp(entry));
  if (!ops.length) return null;
  const rows = ops.slice(0, MOST_ROWS).map(({ entry, wrong }) => {
    const words = rightAndWrong(tape.entries[entry].gradient, wrong);
    return html(
      "div",
      { class: "row" },
      entryButton(entry),
      html("span", { class: "quietly" }, words),
    );
  });
  return html(
    "details",
    { class: "compared", "data-label": "On the way", open: ops.length <= 12 },
    html("summary", {}, html("h4", {}, "On the way there, as the walk goes")),
    rows,
    andMore(ops),
  );
}

/** A line over the graph while its gradients are wrong ones. */
function startBreaks() {
  onChange(["broken"], drawBanner);
}

function drawBanner() {
  const banner = byId("broken-banner");
  const broken = brokenNow();
  banner.hidden = !broken;
  if (!broken) return;
  banner.replaceChildren(
    `✗ Wrong gradients: ${broken.title}`,
    html("button", { type: "button", onclick: putRight }, "Put right"),
  );
}

function putRight() {
  change({ broken: null });
  byId("panel").focus({ preventScroll: true }); // the button is gone
}
