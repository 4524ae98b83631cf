// Where everything stands: dagre lays out what is visible, values flowing down.

const NAME_WIDTH = 25; // characters in one line of a node
const measuring = document.createElement("canvas").getContext("2d");

function textWidth(text, font) {
  measuring.font = font;
  return measuring.measureText(text).width;
}

const NAME_FONT = "600 12px system-ui, sans-serif";
const VALUE_FONT = "11px ui-monospace, 'DejaVu Sans Mono', monospace";

/** A name in one or two lines, broken at underscores and spaces, with … where it is too long. */
function linesOf(name) {
  if (name.length <= NAME_WIDTH) return [name];
  const broken = Math.max(
    name.lastIndexOf("_", NAME_WIDTH - 1),
    name.lastIndexOf(" ", NAME_WIDTH - 1),
  );
  const end = broken > 5 ? broken : NAME_WIDTH;
  const rest = name.slice(end);
  return [
    name.slice(0, end),
    rest.length > NAME_WIDTH ? `${rest.slice(0, NAME_WIDTH - 1)}…` : rest,
  ];
}

/** The size of a node that has room for its name, its value and the longest text of its gradient. */
function sizeOfNode(node) {
  if (node.closed) {
    node.lines = linesOf(node.closed.name);
    const texts = [groupWords(node.closed), "‖∂‖ −0.000e−00"];
    const name = Math.max(...node.lines.map((line) => textWidth(line, NAME_FONT)));
    const width = Math.max(name, ...texts.map((text) => textWidth(text, VALUE_FONT))) + 34;
    return { width: Math.max(110, width), height: 46 + 15 * node.lines.length };
  }
  const { entry } = node;
  node.lines = linesOf(titleOf(entry));
  const gradient = entry.gradient ? longestGradientText(entry.id) : "";
  const texts = [shortShape(entry.value), gradient].map((text) => textWidth(text, VALUE_FONT));
  const name = Math.max(...node.lines.map((line) => textWidth(line, NAME_FONT)));
  const rows =
    node.lines.length +
    (entry.kind === "constant" ? 0 : 1) +
    (gradient || entry.trainable === false ? 1 : 0);
  return { width: Math.max(56, name, ...texts) + 30, height: 11 + 15 * rows };
}

const SPACING = { rankdir: "TB", nodesep: 24, ranksep: 30, edgesep: 14 };
const HEADER = 28; // of an open box, for its name
const PADDING = 14;
const EDGES_WITH_ROOM = 80;
const MOST_WAYS = 6; // from one leaf

/**
 * Give nodes, boxes and edges their places, `x` and `y` being middles; returns the whole size.
 *
 * Each open box is laid out by itself, with a port for everything outside that it is connected to;
 * then the boxes and what stands outside of them. So boxes stay compact and stand in order.
 */
function layOut({ nodes, edges, boxes }) {
  for (const node of nodes) Object.assign(node, sizeOfNode(node));
  const top = (id) => nodesById.get(id).group?.id ?? id;
  const nodesById = new Map(nodes.map((node) => [node.id, node]));
  const buses = busesAmong(nodes, edges, top);
  for (const edge of edges) edge.bus = buses.find(({ id }) => id === edge.source) ?? null;
  for (const box of boxes) {
    box.inner = layOutBox(
      box,
      nodes.filter((node) => node.group === box),
      edges,
      top,
    );
    box.width =
      Math.max(box.inner.width, textWidth(shortName(box.name), NAME_FONT) + 24) + 2 * PADDING;
    box.height = box.inner.height + HEADER + PADDING;
  }
  const outer = newGraph(24);
  const outside = [...nodes.filter((node) => !node.group && !buses.includes(node)), ...boxes];
  for (const { id, width, height } of outside) outer.setNode(id, { width, height });
  for (const edge of edges) {
    const [source, target] = [top(edge.source), top(edge.target)];
    edge.outer = { v: source, w: target, name: outerName(edge, source, target) };
    if (source !== target && !edge.bus)
      outer.setEdge(source, target, roomForLabel(edge, edges), edge.outer.name);
  }
  dagre.layout(outer);
  inOrderOfArguments(outer, edges);
  for (const one of outside) Object.assign(one, middleOf(outer, one.id));
  for (const box of boxes) placeInBox(box, nodes);
  for (const edge of edges) if (!edge.bus) edge.points = pointsOf(edge, nodesById, outer);
  const { width, height } = outer.graph();
  placeBuses(buses, edges, nodesById);
  return moved([...nodes, ...boxes], edges, { width, height });
}

/** Leaves that are used in many places: dagre would send a bundle of edges past everything. */
function busesAmong(nodes, edges, top) {
  return nodes.filter(({ entry, group, id }) => {
    if (!entry || group || entry.kind === "op") return false;
    const targets = edges.filter((edge) => edge.source === id).map((edge) => top(edge.target));
    return new Set(targets).size > MOST_WAYS;
  });
}

/** They stand in lanes to the left, and one line runs down from each, with branches. */
function placeBuses(buses, edges, nodesById) {
  let left = 0;
  for (const bus of buses) {
    const own = edges.filter((edge) => edge.bus === bus);
    const targets = own.map((edge) => nodesById.get(edge.target));
    bus.x = left - bus.width / 2;
    bus.y = Math.min(...targets.map(({ y, height }) => y - height / 2)) - bus.height / 2 - 20;
    left -= bus.width + 20;
    for (const edge of own) {
      const { x, y, width } = nodesById.get(edge.target);
      const bottom = bus.y + bus.height / 2;
      edge.points = [
        { x: bus.x, y: bottom },
        { x: bus.x, y: Math.max(bottom, y - 20) },
        { x: bus.x, y },
        { x: bus.x + 20, y },
        { x: x - width / 2, y },
      ];
    }
  }
}

/** Shift everything so that it begins at the margin; returns the size. */
function moved(places, edges, { width, height }) {
  const left = Math.min(0, ...places.map((place) => place.x - place.width / 2 - 24));
  const upper = Math.min(0, ...places.map((place) => place.y - place.height / 2 - 24));
  for (const place of [...places, ...edges.flatMap((edge) => edge.points)]) {
    place.x -= left;
    place.y -= upper;
  }
  return { width: width - left, height: height - upper };
}

/** What an edge sends back is written on it; a large graph has no room to spare for that. */
function roomForLabel(edge, edges) {
  const { contribution } = tape.edges[edge.edges[0]];
  if (!contribution || edge.edges.length > 1 || edges.length > EDGES_WITH_ROOM) return {};
  return {
    width: textWidth(shortGradient(contribution), VALUE_FONT) + 6,
    height: 10,
    labelpos: "c",
  };
}

function newGraph(margin) {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ ...SPACING, marginx: margin, marginy: margin });
  return graph;
}

function middleOf(graph, id) {
  const { x, y } = graph.node(id);
  return { x, y };
}

/** Edges between the same two share a way outside of boxes; a + a keeps both of its edges. */
function outerName(edge, source, target) {
  return source === edge.source && target === edge.target ? edge.key : "shared";
}

function layOutBox(box, own, edges, top) {
  const graph = newGraph(0);
  for (const { id, width, height } of own) graph.setNode(id, { width, height });
  const port = (id) => graph.hasNode(id) || graph.setNode(id, { width: 2, height: 2 });
  for (const edge of edges) {
    const [from, to] = [top(edge.source) === box.id, top(edge.target) === box.id];
    if (from && to) graph.setEdge(edge.source, edge.target, roomForLabel(edge, edges), edge.key);
    else if (from) {
      port(`to ${top(edge.target)}`);
      graph.setEdge(edge.source, `to ${top(edge.target)}`, {}, "port");
    } else if (to && !edge.bus) {
      port(`from ${top(edge.source)}`);
      graph.setEdge(`from ${top(edge.source)}`, edge.target, {}, "port");
    }
  }
  dagre.layout(graph);
  inOrderOfArguments(graph, edges);
  return { graph, ...withoutRowsOfPorts(graph, own) };
}

/** Mirror a layout if that brings more arguments into their order from left to right. */
function inOrderOfArguments(graph, edges) {
  const places = new Map();
  for (const edge of edges) {
    if (!graph.hasNode(edge.source) || !graph.hasNode(edge.target)) continue;
    if (!places.has(edge.target)) places.set(edge.target, []);
    places.get(edge.target).push(graph.node(edge.source).x);
  }
  let inOrder = 0;
  for (const xs of places.values()) {
    for (let i = 1; i < xs.length; i++) inOrder += Math.sign(xs[i] - xs[i - 1]);
  }
  if (inOrder >= 0) return;
  const { width } = graph.graph();
  for (const id of graph.nodes()) graph.node(id).x = width - graph.node(id).x;
  for (const key of graph.edges()) {
    for (const point of graph.edge(key).points) point.x = width - point.x;
  }
}

/** Cut off a first and a last row in which there are only ports. */
function withoutRowsOfPorts(graph, own) {
  const rows = own.map(({ id }) => graph.node(id));
  const top = Math.min(...rows.map(({ y, height }) => y - height / 2)) - 4;
  const bottom = Math.max(...rows.map(({ y, height }) => y + height / 2)) + 4;
  const within = (y) => Math.min(Math.max(y, top), bottom) - top;
  for (const id of graph.nodes()) graph.node(id).y = within(graph.node(id).y);
  for (const key of graph.edges()) {
    for (const point of graph.edge(key).points) point.y = within(point.y);
  }
  return { width: graph.graph().width, height: bottom - top };
}

/** From places in a box to places in the whole. */
function offsetOf(box) {
  return { x: box.x - box.inner.width / 2, y: box.y - box.height / 2 + HEADER };
}

function placeInBox(box, nodes) {
  const offset = offsetOf(box);
  for (const node of nodes) {
    if (node.group !== box) continue;
    const { x, y } = box.inner.graph.node(node.id);
    Object.assign(node, { x: x + offset.x, y: y + offset.y });
  }
}

/** The points of an edge: out of its box, across, and into the other one. */
function pointsOf(edge, nodesById, outer) {
  const [from, to] = [nodesById.get(edge.source).group, nodesById.get(edge.target).group];
  if (from && from === to) return shifted(from, { v: edge.source, w: edge.target, name: edge.key });
  const across = outer.edge(edge.outer).points.map((point) => ({ ...point }));
  const out = from ? shifted(from, { v: edge.source, w: `to ${edge.outer.w}`, name: "port" }) : [];
  const into = to ? shifted(to, { v: `from ${edge.outer.v}`, w: edge.target, name: "port" }) : [];
  if (out.length) across[0] = { x: out[out.length - 1].x, y: across[0].y };
  if (into.length) across[across.length - 1] = { x: into[0].x, y: across[across.length - 1].y };
  // Between neighbours the way is free; dagre's point in the middle would only make it wind.
  if ((from || to) && across.length === 3) across.splice(1, 1);
  return [...out.slice(0, -1), ...across, ...into.slice(1)];
}

function shifted(box, key) {
  const offset = offsetOf(box);
  return box.inner.graph.edge(key).points.map(({ x, y }) => ({ x: x + offset.x, y: y + offset.y }));
}

/** A smooth path through the points of an edge, ending straight. */
function pathThrough(points) {
  const text = (point) => `${point.x.toFixed(1)} ${point.y.toFixed(1)}`;
  const middle = (one, other) => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });
  let path = `M${text(points[0])}`;
  for (let i = 1; i < points.length - 1; i++) {
    const end = i === points.length - 2 ? points[i + 1] : middle(points[i], points[i + 1]);
    path += ` Q${text(points[i])} ${text(end)}`;
  }
  if (points.length === 2) path += ` L${text(points[1])}`;
  return path;
}

/** The outline of a node, by kind: shape tells kinds apart where colour does not. */
function outlineOf(kind, width, height) {
  const [x, y] = [width / 2, height / 2];
  const slant = Math.min(12, y);
  switch (kind) {
    case "parameter": // a hexagon
      return svg("path", {
        class: "shape",
        d: `M${-x} 0L${-x + slant} ${-y}H${x - slant}L${x} 0L${x - slant} ${y}H${-x + slant}Z`,
      });
    case "variable": // a pill
      return svg("rect", { class: "shape", x: -x, y: -y, width, height, rx: y });
    case "input": // a parallelogram
      return svg("path", {
        class: "shape",
        d: `M${-x + slant} ${-y}H${x}L${x - slant} ${y}H${-x}Z`,
      });
    case "constant": // a sharp rectangle, dashed
      return svg("rect", { class: "shape", x: -x, y: -y, width, height });
    default:
      return svg("rect", { class: "shape", x: -x, y: -y, width, height, rx: 8 });
  }
}
