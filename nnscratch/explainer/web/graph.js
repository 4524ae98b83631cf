// The drawn graph: built when a group opens or closes, otherwise only classes and texts change.

const scene = svg("g");
const drawn = { nodes: new Map(), edges: [], size: { width: 1, height: 1 }, visible: null };
const ARROW = 7;

function startGraph() {
  byId("graph").append(scene);
  drawGraph();
  onChange(["position", "selected", "broken"], soon(paintGraph));
  byId("open-all").addEventListener("click", () => setAllOpen(true));
  byId("close-all").addEventListener("click", () => setAllOpen(false));
  if (tape.entries.length > NODES_TO_OPEN) {
    byId("open-all").disabled = true;
    byId("open-all").title = `${tape.entries.length} nodes are too many to be drawn at once.`;
  }
  for (const id of ["open-all", "close-all"]) byId(id).hidden = groups.size === 0;
  drawLegend();
}

/** Lay out and draw what is visible. */
function drawGraph() {
  const visible = visibleGraph();
  drawn.size = layOut(visible);
  drawn.visible = visible;
  drawn.nodes.clear();
  drawn.edges = [];
  scene.replaceChildren();
  for (const box of visible.boxes) drawBox(box);
  for (const edge of visible.edges) drawEdge(edge);
  for (const box of visible.boxes) drawTitle(box);
  for (const node of visible.nodes) (node.closed ? drawClosed : drawNode)(node);
  paintGraph();
  makeOneFocusable();
}

function setAllOpen(open) {
  for (const group of groups.values()) group.open = open;
  drawGraph();
  fit();
}

/** Open or close a group; the view moves so that its corner stays where it is. */
function toggleGroup(id) {
  const group = groups.get(id);
  const before = cornerOf(id);
  group.open = !group.open;
  drawGraph();
  const after = cornerOf(id);
  moveView(before.x - after.x, before.y - after.y);
}

function cornerOf(id) {
  const { x, y, width, height } = drawn.nodes.get(id).place;
  return { x: x - width / 2, y: y - height / 2 };
}

/** Open the group of an entry, if it is closed. */
function reveal(entry) {
  const group = groupOf.get(entry);
  if (group && !group.open) toggleGroup(group.id);
}

function texts(lines, top) {
  return lines.map((line, row) => svg("text", { class: "name", y: top + 15 * row }, line));
}

function drawNode(node) {
  const { entry, lines, width, height } = node;
  const top = -height / 2 + 17;
  const frozen = entry.trainable === false;
  const value =
    entry.kind === "constant" // its name is its number
      ? null
      : svg("text", { class: "value", y: top + 15 * lines.length }, shortShape(entry.value));
  const gradient =
    entry.gradient || frozen
      ? svg(
          "text",
          { class: frozen ? "value" : "gradient", y: top + 15 * (lines.length + 1) },
          frozen ? "frozen" : "",
        )
      : null;
  const rim =
    entry.id === tape.loss
      ? svg("rect", {
          class: "rim",
          x: -width / 2 - 4,
          y: -height / 2 - 4,
          width: width + 8,
          height: height + 8,
          rx: 11,
        })
      : null;
  const root = svg(
    "g",
    {
      class: `node kind-${entry.kind}${frozen ? " frozen" : ""}`,
      id: node.id,
      role: "treeitem",
      tabindex: -1,
      "aria-level": node.group ? 2 : 1,
      transform: `translate(${node.x} ${node.y})`,
    },
    svg("title", {}, titleOf(entry)),
    rim,
    outlineOf(entry.kind, width, height),
    texts(lines, top),
    value,
    gradient,
  );
  scene.append(root);
  const flag = addFlag(root, node);
  drawn.nodes.set(node.id, { root, place: node, entries: [entry.id], entry, gradient, flag });
}

/** Room above a node's corner for a mark of where a mistake begins. */
function addFlag(root, { width, height }) {
  const flag = svg("text", { class: "flag", x: width / 2, y: -height / 2 - 6 });
  root.append(flag);
  return flag;
}

function groupWords(group) {
  const ops = group.entries.filter(isOp).length;
  const parameters = group.entries.filter(
    (entry) => tape.entries[entry].kind === "parameter",
  ).length;
  return plural(ops, "op") + (parameters ? ` · ${plural(parameters, "parameter")}` : "");
}

function drawClosed(node) {
  const { closed, lines, width, height } = node;
  const box = { x: -width / 2, y: -height / 2, width, height, rx: 10 };
  const top = -height / 2 + 19;
  const gradient = svg("text", { class: "gradient", y: top + 15 * (lines.length + 1) });
  const root = svg(
    "g",
    {
      class: "group closed",
      id: closed.id,
      role: "treeitem",
      "aria-expanded": "false",
      "aria-level": 1,
      tabindex: -1,
      transform: `translate(${node.x} ${node.y})`,
    },
    svg("title", {}, closed.name),
    svg("rect", { ...box, class: "back", x: box.x + 4, y: box.y + 4 }),
    svg("rect", { ...box, class: "box" }),
    texts(lines, top),
    svg("text", { class: "value", y: top + 15 * lines.length }, groupWords(closed)),
    gradient,
  );
  root.querySelector(".name").append(" ▸");
  scene.append(root);
  drawn.nodes.set(closed.id, {
    root,
    place: node,
    entries: closed.entries,
    group: closed,
    gradient,
    flag: addFlag(root, node),
  });
}

function drawBox(box) {
  const { x, y, width, height } = box;
  const root = svg(
    "g",
    {
      class: "group open",
      id: box.id,
      role: "treeitem",
      "aria-expanded": "true",
      "aria-level": 1,
      tabindex: -1,
      transform: `translate(${x} ${y})`,
    },
    svg("title", {}, box.name),
    svg("rect", { class: "box", x: -width / 2, y: -height / 2, width, height, rx: 12 }),
  );
  scene.append(root);
  drawn.nodes.set(box.id, { root, place: box, entries: box.entries, group: box, gradient: null });
}

/** The name of an open box, which no edge may cross out. */
function drawTitle({ name, x, y, width, height }) {
  const place = { x: x - width / 2 + 12, y: y - height / 2 + 19 };
  scene.append(
    svg("text", { class: "box-title", "aria-hidden": "true", ...place }, `${shortName(name)} ▾`),
  );
}

function drawEdge(edge) {
  const { points } = edge;
  const path = pathThrough(points);
  const line = svg("path", { class: "line", d: path });
  const label = svg("text", { class: "label" });
  const head = svg("path", { class: "head" });
  const root = svg(
    "g",
    {
      class: `edge${edge.edges.length > 1 ? " merged" : ""}`,
      "aria-hidden": "true",
      "data-edge": edge.key,
    },
    svg("title", {}, edgeWords(edge)),
    line,
    head,
    label,
    svg("path", { class: "hit", d: path }),
  );
  scene.append(root);
  const item = { ...edge, root, label, head };
  drawn.edges.push(item);
  placeHead(item, false);
  const middle = points[Math.floor(points.length / 2)];
  label.setAttribute("x", middle.x);
  label.setAttribute("y", middle.y + 4);
}

function edgeWords({ edges }) {
  if (edges.length > 1) return plural(edges.length, "edge");
  const { source, target } = tape.edges[edges[0]];
  return `${nameOf(source)} → ${nameOf(target)}`;
}

/** The arrow's head at the end that things flow to: back at the source in the backward pass. */
function placeHead(item, back) {
  if (item.back === back) return;
  item.back = back;
  const points = back ? [...item.points].reverse() : item.points;
  const [from, to] = points.slice(-2);
  const angle = (Math.atan2(to.y - from.y, to.x - from.x) * 180) / Math.PI;
  item.head.setAttribute("d", `M0 0L${-ARROW} ${ARROW / 2}L${-ARROW} ${-ARROW / 2}Z`);
  item.head.setAttribute("transform", `translate(${to.x} ${to.y}) rotate(${angle})`);
}

// --- what changes with each step ------------------------------------------------------------------

/** Show the step, the selection and the gradients known by now. */
function paintGraph() {
  const step = sequence[state.position - 1];
  const phase = step?.phase ?? null;
  setClass(scene, `in-${phase ?? "overview"}`);
  const receiving = new Set(
    phase === "backward"
      ? inputsOf(step.entry)
          .filter((edge) => edge.contribution)
          .map((edge) => edge.source)
      : [],
  );
  const chosen = state.selected;
  for (const [id, item] of drawn.nodes) {
    const active = step !== undefined && item.entries.includes(step.entry) && !item.group?.open;
    const names = [baseClass(item)];
    if (active) names.push("active");
    if (chosen?.kind === "entry" && id === `entry-${chosen.id}`) names.push("selected");
    if (chosen?.kind === "group" && id === chosen.id) names.push("selected");
    if (item.entry && receiving.has(item.entry.id)) names.push("receiving");
    if (!active && !item.group?.open && item.entries.every(isWaiting)) names.push("waiting");
    if (firstOdd && item.entry?.value.notFinite > 0) names.push("not-finite");
    if (!item.group?.open && item.entries.some(isWrongBy)) names.push("wrong");
    setClass(item.root, names.join(" "));
    item.root.setAttribute("aria-selected", String(names.includes("selected")));
    if (item.gradient) paintGradient(item);
    if (item.flag) setText(item.flag, item.entries.map(flagOf).find(Boolean) ?? "");
    const label = spokenName(item);
    if (item.root.getAttribute("aria-label") !== label) item.root.setAttribute("aria-label", label);
  }
  for (const item of drawn.edges) paintEdge(item, step, phase);
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setClass(root, names) {
  if (root.getAttribute("class") !== names) root.setAttribute("class", names);
}

function baseClass(item) {
  if (item.group) return `group ${item.group.open ? "open" : "closed"}`;
  return `node kind-${item.entry.kind}${item.entry.trainable === false ? " frozen" : ""}`;
}

/** Whether the pass that is shown has still to come to an entry. */
function isWaiting(entry) {
  if (state.position === 0) return false;
  if (state.position <= FORWARD_STEPS) return (computedAt.get(entry) ?? 0) > state.position;
  return gradientBy(entry).state === "waiting";
}

function paintEdge(item, step, phase) {
  const own = item.edges.map((edge) => tape.edges[edge]);
  const lit = own.filter((edge) => step && edge.target === step.entry);
  const active = phase === "backward" ? lit.filter((edge) => edge.contribution) : lit;
  const chosen = state.selected;
  const selected =
    (chosen?.kind === "edge" && item.edges.includes(chosen.id)) ||
    (chosen?.kind === "edges" && chosen.id === item.key);
  const names = ["edge"];
  if (item.edges.length > 1) names.push("merged");
  if (active.length) names.push("active");
  if (selected) names.push("selected");
  if (own.some(brokenContribution)) names.push("wrong");
  if (own.some(isLost)) names.push("lost");
  setClass(item.root, names.join(" "));
  placeHead(item, phase === "backward" && own.some((edge) => edge.contribution));
  const shown = phase === "backward" ? active : selected && phase === null ? own : [];
  setText(item.label, [sentText(shown), lostMark(own)].filter(Boolean).join(" "));
}

/** The word stands once, where several edges between the same two lose what they carry. */
function lostMark(own) {
  const lost = own.find(isLost);
  if (!lost) return "";
  const twins = contributionsTo(lost.source).filter(({ target }) => target === lost.target);
  return twins.find(isLost) === lost ? "✗ lost" : "✗";
}

/** What an edge by itself sends back. */
function sentText([edge, ...others]) {
  if (!edge?.contribution || others.length) return "";
  const wrong = brokenContribution(edge);
  return wrong ? `${shortGradient(wrong)} ✗` : shortGradient(edge.contribution);
}

function paintGradient(item) {
  const text = item.group ? groupGradient(item.group) : gradientText(item.entry.id);
  if (item.entry?.trainable === false && !text) return;
  setText(item.gradient, text);
}

function spokenName(item) {
  if (item.group) {
    const wrong = item.entries.some(isWrongBy) && "wrong gradients in it";
    return [item.group.name, "layer", groupWords(item.group), wrong].filter(Boolean).join(", ");
  }
  const { entry } = item;
  const gradient = gradientText(entry.id);
  return [
    titleOf(entry),
    entry.id === tape.loss ? "loss" : KIND_WORDS[entry.kind],
    sizeOf(entry.value.shape) === 1
      ? shortShape(entry.value)
      : `shape ${formatShape(entry.value.shape)}`,
    gradient && spokenGradient(gradient),
    flagOf(entry.id).replace("✗ ", ""),
    entry.trainable === false && "frozen",
  ]
    .filter(Boolean)
    .join(", ");
}

function spokenGradient(text) {
  const wrong = text.includes("✗") ? "wrong gradient" : "gradient";
  return `${wrong} ${text.replace(/^∂ | ✗$/g, "").replaceAll("‖", "")}`;
}

function drawLegend() {
  const kinds = new Set(tape.entries.map((entry) => entry.kind));
  const items = Object.entries({
    parameter: "parameter: trained",
    variable: "variable: has a gradient",
    input: "input",
    constant: "constant",
    op: "operation",
  })
    .filter(([kind]) => kinds.has(kind))
    .map(([kind, words]) => legendItem(outlineOf(kind, 34, 18), `kind-${kind}`, words));
  const rim = svg("rect", { class: "rim", x: -20, y: -12, width: 40, height: 24, rx: 8 });
  items.push(legendItem([rim, outlineOf("op", 32, 16)], "kind-op", "loss: the walk begins here"));
  if (groups.size) {
    const box = { x: -17, y: -10, width: 34, height: 18, rx: 5 };
    const closed = [
      svg("rect", { ...box, class: "back", x: -14, y: -7 }),
      svg("rect", { ...box, class: "box" }),
    ];
    items.push(legendItem(closed, "group closed", "layer: click opens and closes it"));
  }
  items.push(
    html("li", {}, html("span", { class: "digits" }, "∂ 0.5"), "gradient of the loss"),
    html("li", {}, html("span", { class: "digits" }, "∂ ‖0.5‖"), "norm of an array's gradient"),
  );
  if (tape.breaks.some(({ why }) => why === null)) {
    const mark = html("span", { class: "digits" }, "✗");
    items.push(html("li", {}, mark, "wrong gradient, while a mistake is switched on"));
  }
  byId("legend-list").append(...items);
}

function legendItem(shapes, kind, words) {
  const picture = svg(
    "svg",
    { width: 46, height: 28, viewBox: "-23 -14 46 28", "aria-hidden": "true", class: "swatch" },
    svg("g", { class: kind }, shapes),
  );
  return html("li", {}, picture, words);
}
