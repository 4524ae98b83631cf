// The tab's content for an edge, for several edges drawn as one, and for a layer.

function edgeParts(edge) {
  const [source, target] = [tape.entries[edge.source], tape.entries[edge.target]];
  const { contribution, before } = edge;
  return [
    html("h2", {}, `${source.label} → ${target.label}`),
    html("p", { class: "quietly" }, `edge · argument ${edge.argument + 1} of ${target.op}`),
    html("div", { class: "row" }, entryButton(source.id), "→", entryButton(target.id)),
    forwardOfEdge(edge),
    contribution
      ? part(
          `Backward: what ${target.label} sends to ${source.label}`,
          formula(opOf(target).derivative, "Gradient rule"),
          wrongContribution(edge),
          contributionParts(edge, new Pointing(contribution.shape), state.index),
          before ? broadcastPart(edge) : null,
          statistics(contribution),
        )
      : part(
          "Backward",
          html(
            "p",
            { class: "quietly" },
            `Nothing is sent back along this edge: ${whyNothing(edge)}.`,
          ),
        ),
  ];
}

function whyNothing(edge) {
  const { label, kind, trainable } = tape.entries[edge.source];
  if (trainable === false) return `${label} is frozen`;
  if (kind === "input" || kind === "constant") return `${label} needs no gradient`;
  return `nothing before ${label} needs a gradient, or the loss does not depend on it`;
}

function forwardOfEdge(edge) {
  const value = argumentArray(edge);
  const source = tape.entries[edge.source];
  const which = edge.output ? `, its result ${edge.output + 1}` : "";
  const map = matrix(value, {
    label: `Value of ${source.label}${which}`,
    choose: (index) => map.show(index),
    hover: null,
  });
  map.show(value.shape.map(() => 0));
  return part("Forward: the value that it carries", map.root);
}

/** The gradient before broadcasting was undone, and how it shrank to the source's shape. */
function broadcastPart(edge) {
  const { before, contribution } = edge;
  const source = tape.entries[edge.source];
  const times = sizeOf(before.shape) / Math.max(1, sizeOf(contribution.shape));
  return html(
    "div",
    { "data-label": "Broadcasting undone" },
    html(
      "p",
      {},
      `${source.label} of shape ${formatShape(contribution.shape)} was broadcast to ${formatShape(before.shape)}: each of its ` +
        `numbers was used ${formatNumber(times)} times, so its gradient is the sum of ${formatNumber(times)} shares.`,
    ),
    html(
      "div",
      { class: "matrices" },
      shownSmall(before, "before"),
      html("span", { class: "sign" }, "Σ →"),
      shownSmall(contribution, "summed"),
    ),
  );
}

const MOST_ROWS = 60;

function andMore(all) {
  const more = all.length - MOST_ROWS;
  return more > 0 ? html("p", { class: "quietly" }, `and ${more} more`) : null;
}

/** Several edges from or to a closed layer. */
function mergedParts(key) {
  const item = drawn.edges.find((edge) => edge.key === key);
  if (!item) return overview();
  const rows = item.edges.slice(0, MOST_ROWS).map((id) => {
    const edge = tape.edges[id];
    const words = `${nameOf(edge.source)} → ${nameOf(edge.target)}`;
    const wrong = brokenContribution(edge);
    const norm = edge.contribution
      ? `sends back a norm of ${formatNumber((wrong ?? edge.contribution).norm, 3)}${wrong ? " ✗" : ""}`
      : "sends nothing back";
    return html(
      "div",
      { class: "row" },
      html("button", { type: "button", onclick: () => inspect("edge", id) }, words),
      html("span", { class: "quietly" }, norm),
    );
  });
  return [
    html("h2", {}, plural(item.edges.length, "edge")),
    html(
      "p",
      { class: "quietly" },
      "One line in the graph stands for these, since a layer is closed.",
    ),
    ...rows,
    andMore(item.edges),
  ];
}

/** A layer: open it, or look at what is in it. */
function groupParts(group) {
  const rows = group.entries.slice(0, MOST_ROWS).map((id) => {
    const { gradient, value } = tape.entries[id];
    const wrong = brokenGradient(id);
    const known = wrong
      ? rightAndWrong(gradient, wrong.wrong)
      : gradient && shortGradient(gradient);
    const words = [shapeWords(value), known && `gradient ${known}`].filter(Boolean).join(" · ");
    return html(
      "div",
      { class: "row" },
      html("button", { type: "button", onclick: () => showEntry(id) }, nameOf(id)),
      html("span", { class: "quietly" }, words),
    );
  });
  return [
    html("h2", {}, group.name),
    html("p", { class: "quietly" }, [group.kind, groupWords(group)].filter(Boolean).join(" · ")),
    html(
      "button",
      { type: "button", id: "toggle-group", onclick: () => openFromPanel(group) },
      group.open ? "Close in the graph" : "Open in the graph",
    ),
    html(
      "section",
      { class: "part", "aria-label": "In it" },
      html("h3", {}, "In it"),
      rows,
      andMore(group.entries),
    ),
  ];
}

function openFromPanel(group) {
  toggleGroup(group.id);
  drawPanel();
}

function shapeWords(array) {
  return sizeOf(array.shape) === 1 ? shortShape(array) : formatShape(array.shape);
}
