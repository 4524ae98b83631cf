// What the reader has chosen, and who wants to know when it changes.

const state = {
  position: 0, // of the scrubber: 0 shows everything, n has done n steps
  selected: null, // {kind: "entry" | "edge" | "edges" | "group", id}
  index: [], // the element pointed at, of the selected entry or edge
  broken: null, // the key of the mistake that is switched on
  tab: "inspect",
  step: 0, // of the recorded run
};

const listeners = [];

/** Call `listener` after each change of one of these. */
function onChange(names, listener) {
  listeners.push({ names, listener });
}

function change(values) {
  const changed = Object.keys(values).filter((name) => state[name] !== values[name]);
  Object.assign(state, values);
  for (const { names, listener } of listeners) {
    if (names.some((name) => changed.includes(name))) listener();
  }
}

/** Run something once when what goes on now is done, however often it is asked for. */
function soon(work) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      work();
    });
  };
}

function select(kind, id) {
  const old = state.selected;
  if (old && old.kind === kind && old.id === id) return;
  change({ index: firstIndex(kind, id), selected: { kind, id } });
}

/** A click on something: show its numbers. */
function inspect(kind, id) {
  select(kind, id);
  change({ tab: "inspect" });
}

/** What is pointed at before the reader points: a number that is not finite, or the first one. */
function firstIndex(kind, id) {
  if (kind !== "entry" && kind !== "edge") return [];
  const { value } = tape.entries[kind === "entry" ? id : tape.edges[id].source];
  const array = kind === "entry" ? value : (tape.edges[id].contribution ?? value);
  const odd = array.notFinite
    ? numbersOf(array).findIndex((number) => !Number.isFinite(number))
    : -1;
  if (odd < 0) return array.shape.map(() => 0);
  return indexOf(array.shape, Math.floor(odd / array.columns), odd % array.columns);
}
