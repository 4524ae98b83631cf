// Ops that only move numbers: where an element came from, and where one went.

/** How one element of a result came about: it is one of an argument's. */
function explainMoved(target, index) {
  const result = { number: numberAt(target.value, index), of: "result" };
  const place = cameFrom(target, index);
  if (place === undefined) return null; // the page does not know
  if (place === null)
    return { lines: [[result]], marks: new Map(), note: "a constant: it came from no argument" };
  const { edge, at } = place;
  const array = valueAlong(edge);
  const number = { number: numberAt(array, at), of: kindOf(String(edge.argument)) };
  return {
    lines: [[number, " = ", result]],
    marks: new Map([[String(edge.argument), onlyAt(array.shape, [at])]]),
    note: `${at.length ? `element ${formatIndex(at)} of ` : ""}${nameOf(edge.source)}, moved here`,
  };
}

/** The edge and the index that an element of the first result came from; null for a constant. */
function cameFrom(target, index) {
  const [source] = formOf(target).sources;
  const flat = source.map
    ? numberAt(target.known[source.map].array, index)
    : index.reduce((sum, at, axis) => sum + at * source.strides[axis], source.offset);
  if (flat === undefined) return undefined;
  if (flat < 0) return null;
  let start = 0;
  for (const edge of inputsOf(target.id)) {
    const { shape } = valueAlong(edge);
    if (flat < start + sizeOf(shape)) return { edge, at: indexOfFlat(shape, flat - start) };
    start += sizeOf(shape);
  }
  return undefined;
}

/** What is sent back for one element: the gradients from wherever it went. */
function explainMovedBack(target, edge, index) {
  const result = { number: numberAt(edge.contribution, index), of: "result" };
  let flat = flatIndex(edge.contribution.shape, index);
  for (const other of inputsOf(target.id)) {
    if (other.argument < edge.argument) flat += sizeOf(valueAlong(other).shape);
  }
  const marks = new Map();
  const terms = [];
  let count = 0;
  for (const { key, array, source } of gradientsOf(target)) {
    const places = [...wentTo(target, source, array.shape, flat)];
    marks.set(key, onlyAt(array.shape, places));
    for (const place of places) {
      count++;
      if (count > MOST_TERMS) continue;
      if (terms.length) terms.push(" + ");
      terms.push({ number: numberAt(array, place), of: "gradient" });
    }
  }
  if (count > MOST_TERMS) terms.push(` + … (${count - MOST_TERMS} more)`);
  if (!count) terms.push("0");
  return { lines: [[...terms, " = ", result]], marks, note: movedWords(target, count) };
}

function movedWords(target, count) {
  const cut = Object.values(target.known).some(({ array }) => array.truncated);
  const end = cut ? ", among those that the page holds" : "";
  if (!count) return `it went nowhere, so nothing comes back${end}`;
  if (count === 1) return `the gradient of the place that it went to${end}`;
  return `it went to ${count} places${end}: their gradients add up`;
}

/** The gradients of an op's results, with where each result's elements came from. */
function gradientsOf(target) {
  const { results, gradient, label } = target;
  return (results ?? [{ gradient }])
    .map((result, number) => ({
      key: results ? `g${number}` : "g",
      name: `gradient of ${label}${results ? `, result ${number + 1}` : ""}`,
      array: result.gradient,
      source: formOf(target).sources[number],
    }))
    .filter(({ array }) => array);
}

/** The indices of a result whose element came from a place. */
function wentTo(target, source, shape, flat) {
  if (!source.map) return steadyPlaces(source, shape, flat);
  const { array } = target.known[source.map];
  return [...numbersOf(array).entries()]
    .filter(([, from]) => from === flat)
    .map(([k]) => indexOf(shape, Math.floor(k / array.columns), k % array.columns));
}

/** All indices with offset + Σ stride · index = flat; those of the longest strides come first. */
function steadyPlaces({ offset, strides }, shape, flat) {
  const order = [...shape.keys()].sort((a, b) => Math.abs(strides[b]) - Math.abs(strides[a]));
  const reaches = [[0, 0]]; // how far the strides that remain can go down and up
  for (const axis of [...order].reverse()) {
    const far = strides[axis] * (shape[axis] - 1);
    const [low, high] = reaches[0];
    reaches.unshift([low + Math.min(far, 0), high + Math.max(far, 0)]);
  }
  let found = [{ index: new Array(shape.length).fill(0), rest: flat - offset }];
  for (const [turn, axis] of order.entries()) {
    const [low, high] = reaches[turn + 1];
    found = found.flatMap(({ index, rest }) =>
      [...Array(shape[axis]).keys()]
        .map((at) => [at, rest - at * strides[axis]])
        .filter(([, left]) => left >= low && left <= high)
        .map(([at, left]) => ({ index: Object.assign([...index], { [axis]: at }), rest: left })),
    );
  }
  return found.filter(({ rest }) => rest === 0).map(({ index }) => index);
}

/** Marks some elements. */
function onlyAt(shape, indices) {
  const cells = new Set(
    indices.map((index) => {
      const { row, column } = cellOf(shape, index);
      return `${row},${column}`;
    }),
  );
  return (row, column) => (cells.has(`${row},${column}`) ? "row-mark" : null);
}
