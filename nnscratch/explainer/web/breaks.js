// Backprop done wrong on purpose, beside what is right.

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
    ...(on ? [lossesOf(one), ...one.gradients.map((gradient) => comparedGradient(gradient))] : []),
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

function comparedGradient(gradient) {
  const { label, layer } = tape.entries[gradient.entry];
  return html(
    "div",
    { class: "compared", "data-label": label },
    html("div", { class: "spread" }, entryButton(gradient.entry), layer ? null : html("span")),
    comparison(gradient),
  );
}

/** A right and a wrong gradient: norms, how they differ, and both as matrices. */
function comparison({ right, wrong, error }) {
  const parts = [html("p", { class: "equation" }, normWords(right, wrong))];
  if (error) parts.push(html("p", { class: "chip bad" }, `✗ ${error}`));
  const largest = largestIn(right, wrong);
  const maps = [
    ["right", right],
    ["wrong", wrong],
  ].filter(([, array]) => array);
  const made = maps.map(([label, array]) => {
    const map = matrix(array, { label, small: true, largest });
    map.show(null);
    return map.root;
  });
  return html("div", {}, parts, html("div", { class: "matrices" }, made));
}

function normWords(right, wrong) {
  const text = (array) => (array ? formatNumber(array.norm) : "none");
  const words = `norm ${text(right)} right, ${text(wrong)} wrong`;
  const ratio = right && wrong ? Number(wrong.norm) / Number(right.norm) : NaN;
  return Number.isFinite(ratio) ? `${words}: × ${formatNumber(ratio, 3)}` : words;
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
    html("button", { type: "button", onclick: () => change({ broken: null }) }, "Put right"),
  );
}
