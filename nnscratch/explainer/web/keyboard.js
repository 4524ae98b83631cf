// Keys: arrows follow edges while the focus is in the graph, and go step by step elsewhere.

const KEYS = [
  ["← →", "one step back, one step on"],
  ["N, P", "the same, also while the graph has the focus"],
  ["Space", "play and pause"],
  ["Home End", "to the start, to the end"],
  ["Tab", "from the graph to the steps to the details"],
  ["↑ ↓ ← →", "in the graph: along the edges and to neighbours; in a matrix: to other elements"],
  ["Enter", "in the graph: open or close a layer, or go to the details"],
  ["Esc", "in the graph: to the layer around a node"],
  ["+ − 0", "zoom, fit"],
];

function startKeyboard() {
  document.addEventListener("keydown", keyAnywhere);
  byId("graph").addEventListener("keydown", keyInGraph);
  // Not on the graph: an SVG that listens for the focus is a stop of its own for Tab.
  byId("viewport").addEventListener("focusin", (event) => {
    const item = event.target.closest(".node, .group");
    if (item) setFocusable(item.id);
  });
  byId("keys-list").append(
    ...KEYS.flatMap(([keys, words]) => [html("dt", {}, keys), html("dd", {}, words)]),
  );
  byId("keys-button").addEventListener("click", () => byId("keys").showModal());
}

const TYPING = "input, select, textarea, dialog";
const SCROLLED_BY = ["ArrowLeft", "ArrowRight", "Home", "End", " "];

/** Whether a key would scroll what has the focus: a program, or a wide formula. */
function isToScroll({ key }, target) {
  const { scrollWidth, clientWidth, scrollHeight, clientHeight } = target;
  const larger = scrollWidth > clientWidth || scrollHeight > clientHeight;
  return target.matches("pre, .formula") && larger && SCROLLED_BY.includes(key);
}

function keyAnywhere(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target.closest ? event.target : document.body;
  if (isToScroll(event, target)) return;
  if (target.closest(TYPING)) {
    const slider = target.closest("#position"); // it has arrows, Home and End of its own
    if (!slider || !["n", "p", " "].includes(event.key.toLowerCase())) return;
  }
  if (event.key === " " && target.closest("button, summary, a")) return;
  const action = {
    ArrowRight: () => goTo(state.position + 1),
    ArrowLeft: () => goTo(state.position - 1),
    n: () => goTo(state.position + 1),
    p: () => goTo(state.position - 1),
    Home: () => goTo(0),
    End: () => goTo(sequence.length),
    " ": togglePlaying,
    "+": () => zoomBy(1.3),
    "-": () => zoomBy(1 / 1.3),
    0: () => fit(),
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

// --- in the graph: one stop for Tab, arrows within -------------------------------------------------

let focusable = null;

function setFocusable(id) {
  if (focusable !== null) drawn.nodes.get(focusable)?.root.setAttribute("tabindex", -1);
  focusable = id;
  drawn.nodes.get(id)?.root.setAttribute("tabindex", 0);
}

/** After drawing anew: Tab stops at what it stopped at before, or at the first node. */
function makeOneFocusable() {
  const first = drawn.visible.nodes[0]?.id;
  setFocusable(drawn.nodes.has(focusable) ? focusable : first);
}

function focusItem(id) {
  setFocusable(id);
  drawn.nodes.get(id)?.root.focus({ preventScroll: true });
}

function keyInGraph(event) {
  const root = event.target.closest(".node, .group");
  if (!root || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.startsWith("Arrow")) {
    const next = neighbour(root.id, event.key);
    if (next) {
      focusItem(next);
      bringIntoView(next);
      activate(next, false);
    }
  } else if (event.key === "Enter") {
    activate(root.id, true);
    if (root.id.startsWith("entry")) byId("panel").focus();
  } else if (event.key === "Escape") {
    const group = groupOf.get(Number(root.id.replace("entry-", "")));
    if (!group) return;
    focusItem(group.id);
    activate(group.id, false);
  } else return;
  event.preventDefault();
}

/** Show a node or group in the panel, and open or close the group if `toggle`. */
function activate(id, toggle) {
  if (id.startsWith("entry")) inspect("entry", Number(id.replace("entry-", "")));
  else {
    inspect("group", id);
    if (!toggle) return;
    toggleGroup(id);
    focusItem(id);
  }
}

/** Where an arrow key leads: along an edge up or down, to what stands beside left or right. */
function neighbour(id, key) {
  const here = drawn.nodes.get(id).place;
  const along = drawn.edges
    .filter((edge) => (key === "ArrowUp" ? edge.target : edge.source) === id)
    .map((edge) => (key === "ArrowUp" ? edge.source : edge.target));
  if (key === "ArrowUp" && along.length) return along[0];
  if (key === "ArrowDown" && along.length) return nearest(here, along);
  const ahead = {
    ArrowUp: (place) => here.y - place.y,
    ArrowDown: (place) => place.y - here.y,
    ArrowLeft: (place) => here.x - place.x,
    ArrowRight: (place) => place.x - here.x,
  }[key];
  const candidates = [...drawn.nodes]
    .filter(([other, { place }]) => other !== id && ahead(place) > 1)
    .map(([other]) => other);
  return nearest(here, candidates, key === "ArrowLeft" || key === "ArrowRight");
}

function nearest(here, ids, sideways = false) {
  const far = (id) => {
    const { x, y } = drawn.nodes.get(id).place;
    const [along, across] = sideways ? [x - here.x, y - here.y] : [y - here.y, x - here.x];
    return Math.abs(along) + 3 * Math.abs(across);
  };
  return ids.reduce((best, id) => (best === null || far(id) < far(best) ? id : best), null);
}
