// How one element of a result came about: its formula with the actual numbers.
//
// An explanation is {terms, marks, note}: terms are texts and {number, of} (of which argument the
// number is), marks say for each argument which of its elements took part.

const MOST_TERMS = 6;

/** The explanation of the element of an op's result at `index`; null where there is none. */
function explainElement(entry, index) {
  const { form } = tape.entries[entry];
  const makers = {
    elementwise: explainElementwise,
    matmul: explainProduct,
    dense: explainDense,
    reduction: explainReduction,
  };
  const made = form && makers[form.kind] ? makers[form.kind](tape.entries[entry], index) : null;
  if (!made) return null;
  made.terms.push(" = ", { number: numberAt(tape.entries[entry].value, index), of: "result" });
  return made;
}

function explainElementwise(entry, index) {
  const edges = entry.inputs.map((edge) => tape.edges[edge]);
  const arrays = edges.map(argumentArray);
  if (arrays.some((array) => !array)) return null;
  const pieces = entry.form.text.split(/(\{\d\})/);
  const marks = new Map();
  const terms = pieces.map((piece, place) => {
    const argument = /^\{(\d)\}$/.exec(piece)?.[1];
    if (argument === undefined) return piece;
    const array = arrays[Number(argument)];
    const cell = broadcastIndex(array.shape, index);
    marks.set(Number(argument), onlyAt(array, cell));
    const number = numberAt(array, cell);
    const [before, after] = [pieces[place - 1] ?? "", pieces[place + 1] ?? ""];
    return { number, of: Number(argument), bracket: needsBracket(number, before, after) };
  });
  return { terms, marks };
}

/** Whether a negative number beside these signs could be misread. */
function needsBracket(number, before, after) {
  return number < 0 && (/[−·/^√]\s*$/.test(before) || /^(²|\s*\^)/.test(after));
}

function onlyAt(array, index) {
  const { row, column } = cellOf(array.shape, index);
  return (r, c) => (r === row && c === column ? "row-mark" : null);
}

/** Row times column: terms, and their sum if the page holds all numbers. */
function productTerms(length, left, right) {
  const terms = [];
  let sum = 0;
  for (let k = 0; k < length; k++) {
    const [one, other] = [left(k), right(k)];
    sum += one * other; // undefined makes it NaN
    if (k >= MOST_TERMS && length > MOST_TERMS + 1) continue;
    if (k) terms.push(" + ");
    terms.push({ number: one, of: 0 }, "·", { number: other, of: 1, bracket: other < 0 });
  }
  if (length > MOST_TERMS + 1) terms.push(` + … (${length - MOST_TERMS} more)`);
  return { terms, sum };
}

function explainProduct(entry, [row, column]) {
  const [left, right] = entry.inputs.map((edge) => argumentArray(tape.edges[edge]));
  if (!left || !right) return null;
  const { terms } = productTerms(
    left.shape[1],
    (k) => numberIn(left, row, k),
    (k) => numberIn(right, k, column),
  );
  const marks = new Map([
    [0, (r) => (r === row ? "row-mark" : null)],
    [1, (_, c) => (c === column ? "column-mark" : null)],
  ]);
  return { terms, marks };
}

function explainDense(entry, [row, column]) {
  const [x, kernel, bias] = entry.inputs.map((edge) => argumentArray(tape.edges[edge]));
  if (!x || !kernel) return null;
  const { terms, sum } = productTerms(
    x.shape[1],
    (k) => numberIn(x, row, k),
    (k) => numberIn(kernel, k, column),
  );
  const marks = new Map([
    [0, (r) => (r === row ? "row-mark" : null)],
    [1, (_, c) => (c === column ? "column-mark" : null)],
  ]);
  let before = sum;
  if (entry.form.bias !== null && bias) {
    const own = bias.shape.length ? column : 0;
    const number = numberIn(bias, 0, own);
    before += number;
    terms.push(" + ", { number, of: 2 });
    marks.set(2, (_, c) => (c === own ? "row-mark" : null));
  }
  const { activation } = entry.form;
  if (activation && activation !== "linear") {
    const inside = Number.isFinite(before) ? formatNumber(before) : "z";
    terms.unshift("z = ");
    terms.push(` = ${inside}, ${activation}(${inside})`);
  }
  return { terms, marks };
}

/** The index in a reduction's argument: `place` along the axes that vanish, `index` elsewhere. */
function reducedFrom(shape, axes, index, place) {
  const kept = index.length === shape.length; // keepdims
  let own = 0;
  return shape.map((length, axis) => {
    const at = axes.indexOf(axis);
    if (at >= 0) return place[at];
    return kept ? index[axis] : index[own++];
  });
}

function explainReduction(entry, index) {
  const [array] = entry.inputs.map((edge) => argumentArray(tape.edges[edge]));
  if (!array) return null;
  const { axes, operation } = entry.form;
  const lengths = axes.map((axis) => array.shape[axis]);
  const count = sizeOf(lengths);
  const shown = Math.min(count, count > MOST_TERMS + 1 ? MOST_TERMS : count);
  const terms = [];
  const comma = operation === "max" || operation === "min";
  for (let k = 0; k < shown; k++) {
    if (k) terms.push(comma ? ", " : " + ");
    const place = indexOfFlat(lengths, k);
    terms.push({ number: numberAt(array, reducedFrom(array.shape, axes, index, place)), of: 0 });
  }
  if (shown < count)
    terms.push(comma ? `, … (${count - shown} more)` : ` + … (${count - shown} more)`);
  if (comma) {
    terms.unshift(`${operation}(`);
    terms.push(")");
  } else if (operation === "mean") {
    terms.unshift("(");
    terms.push(`) / ${count}`);
  }
  const marks = new Map([
    [
      0,
      (row, column) => {
        const own = indexOf(array.shape, row, column);
        const place = axes.map((axis) => own[axis]);
        return sameIndex(own, reducedFrom(array.shape, axes, index, place)) ? "row-mark" : null;
      },
    ],
  ]);
  return { terms, marks };
}
