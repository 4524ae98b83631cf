// How one element of what a rule sends back came about: the chain rule with the actual numbers.

/** The slope of elementwise ops by each argument, from the arguments a, b and the result y. */
const sigma = (z) => 1 / (1 + Math.exp(-z));
const SLOPES = {
  absolute: [[(a) => Math.sign(a), "sign"]],
  add: [
    [() => 1, "1"],
    [() => 1, "1"],
  ],
  cos: [[(a) => -Math.sin(a), "−sin"]],
  divide: [
    [(a, b) => 1 / b, "1/b"],
    [(a, b) => -a / b ** 2, "−a/b²"],
  ],
  exp: [[(a, b, y) => y, "y"]],
  expm1: [[(a, b, y) => y + 1, "y + 1"]],
  log: [[(a) => 1 / a, "1/a"]],
  log1p: [[(a) => 1 / (1 + a), "1/(1 + a)"]],
  maximum: [
    [(a, b) => share(a, b), "1 if larger"],
    [(a, b) => share(b, a), "1 if larger"],
  ],
  minimum: [
    [(a, b) => share(b, a), "1 if smaller"],
    [(a, b) => share(a, b), "1 if smaller"],
  ],
  multiply: [
    [(a, b) => b, "b"],
    [(a) => a, "a"],
  ],
  negative: [[() => -1, "−1"]],
  power: [
    [(a, b) => b * a ** (b - 1), "b·a^(b−1)"],
    [(a, b, y) => Math.log(a) * y, "ln(a)·y"],
  ],
  reciprocal: [[(a, b, y) => -y * y, "−y²"]],
  relu: [[(a) => (a > 0 ? 1 : 0), "1 if a > 0"]],
  sigmoid: [[(a, b, y) => y * (1 - y), "y·(1−y)"]],
  silu: [[(a) => sigma(a) * (1 + a * (1 - sigma(a))), "σ·(1 + a·(1−σ))"]],
  sin: [[(a) => Math.cos(a), "cos"]],
  softplus: [[(a) => sigma(a), "σ(a)"]],
  sqrt: [[(a, b, y) => 1 / (2 * y), "1/(2y)"]],
  square: [[(a) => 2 * a, "2a"]],
  subtract: [
    [() => 1, "1"],
    [() => -1, "−1"],
  ],
  tanh: [[(a, b, y) => 1 - y * y, "1 − y²"]],
  where: [null, [(a) => (a ? 1 : 0), "1 if chosen"], [(a) => (a ? 0 : 1), "1 if chosen"]],
};

function share(mine, other) {
  if (mine === other) return 0.5;
  return mine > other ? 1 : 0;
}

/** Slopes of the activations of a dense op, from its result. */
const ACTIVATION_SLOPES = {
  linear: () => 1,
  relu: (y) => (y > 0 ? 1 : 0),
  sigmoid: (y) => y * (1 - y),
  tanh: (y) => 1 - y * y,
};

/**
 * The explanation of an edge's contribution at `index` of its source; null where there is none.
 *
 * As `explainElement`; marks also for "gradient" (that of the op's result).
 */
function explainContribution(edge, index) {
  const target = tape.entries[edge.target];
  if (!edge.contribution || !target.gradient || !target.form) return null;
  const makers = {
    elementwise: contributionOfElementwise,
    matmul: contributionOfProduct,
    dense: contributionOfProduct,
    reduction: contributionOfReduction,
  };
  const made = makers[target.form.kind]?.(target, edge, index) ?? null;
  if (!made) return null;
  made.terms.push(" = ", { number: numberAt(edge.contribution, index), of: "result" });
  return made;
}

function contributionOfElementwise(target, edge, index) {
  const arrays = target.inputs.map((input) => argumentArray(tape.edges[input]));
  const slope = SLOPES[target.op]?.[edge.argument];
  if (!slope || arrays.some((array) => !array)) return null;
  const source = arrays[edge.argument];
  const { places, count } = placesOf(target.value.shape, source.shape, index, MOST_TERMS);
  const terms = [];
  for (const place of places) {
    const [a, b] = arrays.map((array) => numberAt(array, broadcastIndex(array.shape, place)));
    const local = slope[0](a, b, numberAt(target.value, place));
    if (terms.length) terms.push(" + ");
    terms.push({ number: numberAt(target.gradient, place), of: "gradient" }, " · ");
    terms.push({ number: local, of: 1, bracket: local < 0 });
  }
  if (count > places.length) terms.push(` + … (${count - places.length} more)`);
  const meets = (row, column) => {
    const place = indexOf(target.value.shape, row, column);
    return sameIndex(broadcastIndex(source.shape, place), index) ? "row-mark" : null;
  };
  const marks = new Map([["gradient", meets]]);
  arrays.forEach((array, argument) => {
    if (sameIndex(array.shape, target.value.shape)) marks.set(argument, meets);
  });
  marks.set(edge.argument, onlyAt(source, index));
  const summed = count > 1 ? `, summed over the ${count} places that it was broadcast to` : "";
  return {
    terms,
    marks,
    note: `gradient of ${target.label} · slope (${slope[1]})${summed}`,
  };
}

/** For x·W: the gradient's row meets a row of W, x's column meets a column of the gradient. */
function contributionOfProduct(target, edge, index) {
  const [x, kernel] = target.inputs.map((input) => argumentArray(tape.edges[input]));
  const activation = target.form.activation ?? "linear";
  const slope = ACTIVATION_SLOPES[activation];
  if (!x || !kernel || !slope) return null;
  const [rows, columns] = target.value.shape;
  const inner = (row, column) => {
    const gradient = numberIn(target.gradient, row, column);
    if (activation === "linear" || gradient === undefined) return gradient;
    return gradient * slope(numberIn(target.value, row, column));
  };
  const note =
    activation === "linear"
      ? `gradient of ${target.label}`
      : `z̄ = gradient of ${target.label} · slope of ${activation}`;
  const row = (place) => (r) => (r === place ? "row-mark" : null);
  const column =
    (place, how = "column-mark") =>
    (_, c) =>
      c === place ? how : null;
  if (edge.argument === 0) {
    const [i, k] = index;
    const { terms } = productTerms(
      columns,
      (j) => inner(i, j),
      (j) => numberIn(kernel, k, j),
    );
    const marks = new Map([
      ["gradient", row(i)],
      [1, (r) => (r === k ? "column-mark" : null)],
      [0, onlyAt(x, index)],
    ]);
    return { terms, marks, note: `${note}, its row · the kernel's row` };
  }
  if (edge.argument === 1) {
    const [k, j] = index;
    const { terms } = productTerms(
      rows,
      (i) => numberIn(x, i, k),
      (i) => inner(i, j),
    );
    const marks = new Map([
      [0, column(k, "row-mark")],
      ["gradient", column(j)],
      [1, onlyAt(kernel, index)],
    ]);
    return {
      terms,
      marks,
      note: `column of ${nameOf(tape.edges[target.inputs[0]].source)} · column of ${note}`,
    };
  }
  return sumOverRows(target, index, rows, inner, note);
}

/** A bias was added to every row: its gradient is the sum over them. */
function sumOverRows(target, index, rows, inner, note) {
  const j = index.length ? index[index.length - 1] : 0;
  const terms = [];
  const shown = rows > MOST_TERMS + 1 ? MOST_TERMS : rows;
  for (let i = 0; i < shown; i++) {
    if (i) terms.push(" + ");
    terms.push({ number: inner(i, j), of: "gradient" });
  }
  if (shown < rows) terms.push(` + … (${rows - shown} more)`);
  const marks = new Map([["gradient", (_, c) => (c === j ? "row-mark" : null)]]);
  return { terms, marks, note: `the sum of a column of ${note}` };
}

function contributionOfReduction(target, edge, index) {
  const array = argumentArray(edge);
  if (!array) return null;
  const { axes, operation } = target.form;
  const kept = target.value.shape.length === array.shape.length;
  const place = kept
    ? index.map((at, axis) => (axes.includes(axis) ? 0 : at))
    : index.filter((_, axis) => !axes.includes(axis));
  const gradient = { number: numberAt(target.gradient, place), of: "gradient" };
  const marks = new Map([
    ["gradient", onlyAt(target.gradient, place)],
    [0, onlyAt(array, index)],
  ]);
  if (operation === "sum")
    return { terms: [gradient], marks, note: "a sum hands its gradient to every term" };
  if (operation === "mean") {
    const count = sizeOf(axes.map((axis) => array.shape[axis]));
    return {
      terms: [gradient, ` / ${count}`],
      marks,
      note: `each of the ${count} numbers has 1/${count} of the mean`,
    };
  }
  const chosen = numberAt(array, index) === numberAt(target.value, place);
  return {
    terms: [gradient, " · ", chosen ? "its share" : "0"],
    marks,
    note: chosen
      ? `it is the ${operation}: the gradient is its own (ties share)`
      : `it is not the ${operation}: nothing flows to it`,
  };
}
