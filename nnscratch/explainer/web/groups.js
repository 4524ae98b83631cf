// Which entries stand together in a box that opens and closes: layers, or stretches of a long tape.

const OPS_TO_SHOW = 60; // a graph with more of them opens with its groups closed
const LAYERS_TO_SHOW = 8;
const OPS_IN_A_GROUP = 80; // a larger one is cut into parts
const NODES_TO_OPEN = 600; // "Open all" would take a browser seconds beyond that

/** {id, name, kind, entries, open}, by id; the kind is the layer's class. */
const groups = new Map();
/** The group of each entry; undefined outside of all. */
const groupOf = new Map();

function makeGroups() {
  const large = tape.forward.length > OPS_TO_SHOW;
  const stretches = tape.layers.map((layer) => [layer.name, layer.entries.filter(isOp)]);
  if (large) stretches.push(...stretchesOutside());
  let parts = stretches.flatMap(([name, ops]) => (large ? inParts(name, ops) : [[name, ops]]));
  if (parts.length > 2 * OPS_IN_A_GROUP) parts = inParts("ops", tape.forward); // too many layers
  for (const [name, ops] of parts) {
    if (ops.length) addGroup(name, ops);
  }
  addLeaves(large);
  const closed = large || groups.size > LAYERS_TO_SHOW;
  for (const group of groups.values()) {
    group.entries.sort((one, other) => one - other);
    group.open = !closed;
  }
}

function isOp(entry) {
  return tape.entries[entry].kind === "op";
}

function addGroup(name, ops) {
  const kind = tape.layers.find((layer) => layer.name === name)?.kind ?? null;
  const group = { id: `group-${groups.size}`, name, kind, entries: [...ops], open: true };
  groups.set(group.id, group);
  for (const entry of ops) groupOf.set(entry, group);
}

/** Ops one after another that belong to no layer, where there are many. */
function stretchesOutside() {
  const layered = new Set(tape.layers.flatMap((layer) => layer.entries));
  const runs = [[]];
  for (const entry of tape.forward) {
    if (layered.has(entry)) runs.push([]);
    else runs[runs.length - 1].push(entry);
  }
  return runs.filter((run) => run.length > 12).map((run) => ["ops", run]);
}

/** Equal parts of a long stretch, named by what they hold. */
function inParts(name, ops) {
  const count = Math.ceil(ops.length / OPS_IN_A_GROUP);
  if (count === 1 && name !== "ops") return [[name, ops]];
  const size = Math.ceil(ops.length / count);
  return Array.from({ length: count }, (_, place) => {
    const own = ops.slice(place * size, (place + 1) * size);
    if (!own.length) return [name, own];
    const [first, last] = [computedAt.get(own[0]), computedAt.get(own[own.length - 1])];
    return [name === "ops" ? `ops ${first}–${last}` : `${name}, part ${place + 1}`, own];
  });
}

/** A layer's parameters go into its box, and so do unnamed constants that only it uses. */
function addLeaves(large) {
  for (const entry of tape.entries) {
    if (entry.kind === "op") continue;
    const users = new Set(usesOf[entry.id].map((edge) => groupOf.get(tape.edges[edge].target)));
    const [group] = users;
    const unnamed = entry.kind === "constant" || entry.label === entry.kind;
    if (users.size === 1 && group && (entry.layer !== null || unnamed || large)) {
      group.entries.push(entry.id);
      groupOf.set(entry.id, group);
    }
  }
}

/** What stands for an entry in the graph: itself, or the closed group that it is in. */
function shownAs(entry) {
  const group = groupOf.get(entry);
  return group && !group.open ? group.id : `entry-${entry}`;
}

/** Nodes, edges and open boxes as they are to be drawn now. */
function visibleGraph() {
  const nodes = [];
  for (const entry of tape.entries) {
    const group = groupOf.get(entry.id);
    if (!group || group.open) nodes.push({ id: `entry-${entry.id}`, entry, group: group ?? null });
  }
  for (const group of groups.values()) if (!group.open) nodes.push({ id: group.id, closed: group });
  return {
    nodes,
    edges: visibleEdges(),
    boxes: [...groups.values()].filter((group) => group.open),
  };
}

/** Edges between entries as they are; those from or to a closed group joined into one. */
function visibleEdges() {
  const found = new Map();
  for (const edge of tape.edges) {
    const [source, target] = [shownAs(edge.source), shownAs(edge.target)];
    if (source === target) continue;
    const plain = source.startsWith("entry") && target.startsWith("entry");
    const key = plain ? `edge-${edge.id}` : `${source}>${target}`;
    if (!found.has(key)) found.set(key, { key, source, target, edges: [] });
    found.get(key).edges.push(edge.id);
  }
  return [...found.values()];
}
