// Looking around: drag, wheel, two fingers, and the camera that follows the step.

const view = { x: 0, y: 0, zoom: 1 };
const SMALLEST = 0.05;
const LARGEST = 3;
const FULL_VIEW = 0.7; // a graph that would have to be smaller to be seen at once
const READABLE = 0.9; // begins as large as this: better a part than specks

function startViewport() {
  const surface = byId("graph");
  surface.addEventListener("wheel", zoomByWheel, { passive: false });
  surface.addEventListener("pointerdown", grab);
  surface.addEventListener("pointermove", drag);
  for (const end of ["pointerup", "pointercancel"]) surface.addEventListener(end, release);
  surface.addEventListener("click", clickInGraph);
  byId("zoom-in").addEventListener("click", () => zoomBy(1.3));
  byId("zoom-out").addEventListener("click", () => zoomBy(1 / 1.3));
  byId("fit").addEventListener("click", () => fit());
  fit(true);
  widthBefore = frame().width;
  new ResizeObserver(whenResized).observe(byId("viewport"));
  onChange(["position"], followStep);
}

let widthBefore = 0;
let fitted = null; // the view that fit left

/** Fit again what still is as fit left it; else keep the middle in the middle. */
function whenResized() {
  const { width } = frame();
  if (width === 0) return; // a notebook may begin a page out of sight
  if (["x", "y", "zoom"].every((key) => view[key] === fitted[key])) fit(fitted.legible);
  else {
    view.x += (width - widthBefore) / 2;
    applyView();
  }
  widthBefore = width;
}

function frame() {
  return byId("viewport").getBoundingClientRect();
}

function applyView() {
  scene.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.zoom})`);
}

function moveView(x, y) {
  view.x += x * view.zoom;
  view.y += y * view.zoom;
  applyView();
}

/** See the whole graph; or, to read it from its beginning, at first only a part of a large one. */
function fit(legible = false) {
  const { width, height } = frame();
  const whole = Math.min((width - 24) / drawn.size.width, (height - 24) / drawn.size.height);
  const zoom = legible && whole < FULL_VIEW ? READABLE : Math.max(SMALLEST, whole);
  view.zoom = Math.min(1.25, zoom);
  view.x = (width - drawn.size.width * view.zoom) / 2;
  view.y = Math.max(12, (height - drawn.size.height * view.zoom) / 2);
  if (drawn.size.width * view.zoom > width) centreOnTop(width);
  fitted = { ...view, legible };
  applyView();
}

/** Where the graph is too large, begin at its topmost node. */
function centreOnTop(width) {
  const tops = [...drawn.nodes.values()].map(({ place }) => place);
  const top = tops.reduce((best, place) => (place.y < best.y ? place : best));
  view.x = width / 2 - top.x * view.zoom;
}

function zoomBy(factor, at = { x: frame().width / 2, y: frame().height / 2 }) {
  const zoom = Math.min(LARGEST, Math.max(SMALLEST, view.zoom * factor));
  view.x = at.x - ((at.x - view.x) * zoom) / view.zoom;
  view.y = at.y - ((at.y - view.y) * zoom) / view.zoom;
  view.zoom = zoom;
  applyView();
}

function zoomByWheel(event) {
  if (!event.ctrlKey && isPassedBy()) return;
  event.preventDefault();
  const { left, top } = frame();
  const speed = event.ctrlKey ? 0.01 : 0.0018; // a pinch on a touchpad comes as small steps
  zoomBy(Math.exp(-event.deltaY * speed), { x: event.clientX - left, y: event.clientY - top });
}

/** Whether the page is part of another one, a notebook, through which its reader scrolls. */
function isPassedBy() {
  return window.parent !== window && !document.hasFocus();
}

// --- pointers -------------------------------------------------------------------------------------

const pointers = new Map();
let travelled = 0;

function grab(event) {
  if (event.button !== 0) return;
  if (pointers.size === 0) travelled = 0;
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
}

function drag(event) {
  const last = pointers.get(event.pointerId);
  if (!last) return;
  const now = { x: event.clientX, y: event.clientY };
  const before = [...pointers.values()];
  pointers.set(event.pointerId, now);
  travelled += Math.hypot(now.x - last.x, now.y - last.y);
  if (travelled < 4) return;
  const surface = byId("graph");
  // Captured only once it is a drag: a captured click would go to the surface, not to the node.
  if (!surface.hasPointerCapture(event.pointerId)) surface.setPointerCapture(event.pointerId);
  surface.classList.add("dragging");
  if (pointers.size === 1) {
    moveView((now.x - last.x) / view.zoom, (now.y - last.y) / view.zoom);
  } else if (pointers.size === 2) pinch(before, [...pointers.values()]);
}

function pinch(before, after) {
  const middle = ([one, other]) => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });
  const apart = ([one, other]) => Math.hypot(one.x - other.x, one.y - other.y);
  const { left, top } = frame();
  const [old, now] = [middle(before), middle(after)];
  moveView((now.x - old.x) / view.zoom, (now.y - old.y) / view.zoom);
  if (apart(before) > 0) zoomBy(apart(after) / apart(before), { x: now.x - left, y: now.y - top });
}

function release(event) {
  pointers.delete(event.pointerId);
  if (pointers.size === 0) byId("graph").classList.remove("dragging");
}

function clickInGraph(event) {
  if (travelled >= 4 && event.detail > 0) return; // the end of a drag
  const item = event.target.closest(".node, .group");
  const edge = event.target.closest(".edge");
  if (item) {
    focusItem(item.id);
    activate(item.id, item.id.startsWith("group") && isHeadOf(item, event));
  } else if (edge) selectEdge(edge.dataset.edge);
}

/** An open box closes by a click on its head, not by one on the ground between its nodes. */
function isHeadOf(root, event) {
  const { place, group } = drawn.nodes.get(root.id);
  if (!group.open) return true;
  const { top } = frame();
  const y = (event.clientY - top - view.y) / view.zoom;
  return y < place.y - place.height / 2 + 30;
}

function selectEdge(key) {
  const item = drawn.edges.find((edge) => edge.key === key);
  if (item.edges.length === 1) inspect("edge", item.edges[0]);
  else inspect("edges", key);
}

// --- following ------------------------------------------------------------------------------------

/** Bring the op of the current step into view, if it is not. */
function followStep() {
  const step = sequence[state.position - 1];
  if (step) bringIntoView(shownAs(step.entry));
}

function bringIntoView(id) {
  const item = drawn.nodes.get(id);
  if (!item) return;
  const { width, height } = frame();
  const x = item.place.x * view.zoom + view.x;
  const y = item.place.y * view.zoom + view.y;
  const [besideX, besideY] = [Math.min(90, width / 4), Math.min(70, height / 4)];
  if (x < besideX || x > width - besideX) view.x += width / 2 - x;
  if (y < besideY || y > height - besideY) view.y += height / 2 - y;
  applyView();
}
