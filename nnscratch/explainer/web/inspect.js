// The tab with the numbers of what is selected.

function drawInspect() {
  const { selected } = state;
  if (!selected) return overview();
  if (selected.kind === "entry") return entryParts(tape.entries[selected.id]);
  if (selected.kind === "edge") return edgeParts(tape.edges[selected.id]);
  if (selected.kind === "group") return groupParts(groups.get(selected.id));
  return mergedParts(selected.id);
}

/** Nothing is selected: what there is, and where to begin. */
function overview() {
  const lossOf = tape.entries[tape.loss];
  const leaves = tape.entries.filter((entry) => entry.gradient && entry.kind !== "op");
  return [
    html("h2", {}, "What is here"),
    html(
      "p",
      {},
      `The graph of your own run: ${plural(tape.forward.length, "operation")} led to the loss `,
      html("span", { class: "digits" }, shortShape(lossOf.value)),
      `. The backward pass went through ${tape.backward.length} of them and gave ` +
        `${plural(leaves.length, "gradient")}.`,
    ),
    html("p", { class: "quietly" }, "Choose a node or an edge in the graph, or begin here:"),
    html(
      "div",
      { class: "row" },
      [tape.loss, ...leaves.slice(0, 11).map((entry) => entry.id)].map(entryButton),
    ),
    html("p", { class: "quietly" }, madeWith()),
  ];
}

function madeWith() {
  const names = { nnscratch: "nnscratch", numpy: "NumPy", torch: "PyTorch" };
  const made = Object.entries(tape.made ?? {}).filter(([, version]) => version);
  return `Made with ${listed(made.map(([name, version]) => `${names[name] ?? name} ${version}`))}.`;
}

function entryButton(entry) {
  const [name, layer] = [nameOf(entry), layerOf(entry)];
  return html(
    "button",
    { type: "button", onclick: () => showEntry(entry) },
    layer && layer !== name ? `${layer} · ${name}` : name,
  );
}

/** Select an entry and bring it into view, opening its group. */
function showEntry(entry) {
  reveal(entry);
  inspect("entry", entry);
  bringIntoView(`entry-${entry}`);
}

function edgeButton(edge, words) {
  return html(
    "button",
    { type: "button", "aria-label": words, title: words, onclick: () => inspect("edge", edge.id) },
    "edge",
  );
}

function pair(entry, edge, words) {
  return html("span", { class: "pair" }, entryButton(entry), edgeButton(edge, words));
}

const MOST_NEIGHBOURS = 20;

// --- an entry -------------------------------------------------------------------------------------

function entryParts(entry) {
  const pointing = new Pointing(entry.value.shape);
  const parts = [
    ...entryHead(entry),
    valuePart(entry, pointing),
    gradientPart(entry, pointing),
    ...laterResults(entry),
    sentPart(entry),
    rulePart(entry),
  ];
  pointing.point(state.index);
  return parts;
}

/** Which element the matrices of one shape point at, together. */
class Pointing {
  constructor(shape) {
    this.shape = shape;
    this.followers = [];
  }

  /** Options for a matrix that follows: a click stays, hovering is for a moment. */
  get options() {
    return {
      choose: (index) => {
        state.index = index;
        this.point(index);
      },
      hover: (index) => this.point(index ?? state.index),
    };
  }

  follow(...followers) {
    this.followers.push(...followers);
  }

  point(index) {
    for (const follower of this.followers) follower.show(index);
  }
}

function entryHead(entry) {
  const kind = entry.id === tape.loss ? "loss" : KIND_WORDS[entry.kind];
  const words = [
    entry.op && entry.op !== entry.label ? `${kind} ${entry.op}` : kind,
    entry.layer && `layer ${entry.layer}`,
    ...Object.entries(entry.parameters ?? {}).map(([name, text]) => `${name} = ${text}`),
  ].filter(Boolean);
  return [
    html("h2", {}, entry.label),
    html("p", { class: "quietly" }, words.join(" · ")),
    chips(entry),
    neighbours(entry),
    originOf(entry),
  ];
}

function chips(entry) {
  const made = [];
  const said = []; // what each chip stands for, in a sentence
  const chip = (words, kind = "") => made.push(html("span", { class: `chip ${kind}` }, words));
  if (entry.trainable === false) chip("frozen: no gradient, no update");
  const odd = entry.value.notFinite;
  if (odd)
    chip(`${firstOdd ? "✗ " : ""}${plural(odd, "number")} not finite`, firstOdd ? "bad" : "");
  for (const [key, yes, no] of CHECKS) {
    const check = entry.checks?.[key];
    if (!check) continue;
    chip(check.ok ? `✓ ${yes}` : `✗ ${no}`, check.ok ? "good" : "bad");
    said.push(check.text);
  }
  if (entry.seconds) {
    const { name, reason } = entry.implementation ?? {};
    const times = `${formatSeconds(entry.seconds.forward)} forward, ${formatSeconds(entry.seconds.backward)} backward`;
    chip(name ? `${name}: ${times}` : times);
    if (reason) said.push(reason);
  }
  if (!made.length) return null;
  return html("div", {}, html("div", { class: "row" }, made), moreOf(said));
}

const CHECKS = [
  ["finite", "finite differences agree", "finite differences do not agree"],
  ["torch", "PyTorch agrees", "PyTorch does not agree"],
];

function moreOf(sentences) {
  if (!sentences.length) return null;
  return html(
    "details",
    { class: "quietly" },
    html("summary", {}, "What was checked, what ran"),
    sentences.map((sentence) => html("p", {}, sentence)),
  );
}

function neighbours(entry) {
  const from = firstOf(inputsOf(entry.id), (edge) =>
    pair(edge.source, edge, `Edge from ${nameOf(edge.source)}, argument ${edge.argument + 1}`),
  );
  const uses = usesOf[entry.id].map((edge) => tape.edges[edge]);
  const to = firstOf(uses, (edge) => pair(edge.target, edge, `Edge to ${nameOf(edge.target)}`));
  const rows = [
    ["Takes", from],
    ["Used by", to],
  ].filter(([, buttons]) => buttons.length);
  return html(
    "dl",
    { class: "links" },
    rows.flatMap(([name, buttons]) => [html("dt", {}, name), html("dd", {}, buttons)]),
  );
}

/** Buttons for the first of many. */
function firstOf(edges, button) {
  const made = edges.slice(0, MOST_NEIGHBOURS).map(button);
  if (edges.length > MOST_NEIGHBOURS) made.push(`and ${edges.length - MOST_NEIGHBOURS} more`);
  return made;
}

function originOf(entry) {
  const { origin } = entry;
  if (!origin) return null;
  return html(
    "code",
    { class: "where", "aria-label": "Line of your program" },
    html("span", { class: "place" }, `${origin.file}:${origin.line}`),
    origin.text ? `  ${origin.text}` : null,
  );
}

function valuePart(entry, pointing) {
  const map = matrix(entry.value, {
    label: `Value of ${entry.label}`,
    caption: entry.value.dtype,
    ...pointing.options,
  });
  pointing.follow(map);
  const worked = entry.op
    ? workedOut("How it came about:", arraysOfElement(entry), (index) =>
        explainElement(entry, index),
      )
    : null;
  if (worked) pointing.follow(worked);
  return part(
    "Value",
    map.root,
    formula(opOf(entry).formula, "Formula"),
    worked?.root,
    statistics(entry.value),
    wrongValue(entry),
  );
}

function rulePart(entry) {
  const { rule } = opOf(entry);
  if (!rule) return null;
  const short = rule.split("\n").length <= 8;
  return html(
    "details",
    { class: "part", open: short },
    html("summary", {}, html("h3", {}, "Gradient rule as it stands in nnscratch.ops")),
    html("pre", { tabindex: 0, "aria-label": "Gradient rule" }, html("code", {}, rule)),
  );
}
