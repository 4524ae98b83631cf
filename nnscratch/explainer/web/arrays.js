// The arrays of a document: little-endian float32 in base64, with statistics of all their numbers.

const decoded = new WeakMap();

/** The numbers that the page holds of an array, row by row. */
function numbersOf(array) {
  if (!decoded.has(array)) {
    const bytes = Uint8Array.from(atob(array.data), (character) => character.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const numbers = new Float32Array(bytes.length / 4);
    for (let i = 0; i < numbers.length; i++) numbers[i] = view.getFloat32(4 * i, true);
    decoded.set(array, numbers);
  }
  return decoded.get(array);
}

/** The number in a row and a column of the matrix; undefined outside of what the page holds. */
function numberIn(array, row, column) {
  if (row < 0 || column < 0 || row >= array.rows || column >= array.columns) return undefined;
  return numbersOf(array)[row * array.columns + column];
}

/** The number at an index, one integer for each axis. */
function numberAt(array, index) {
  const { row, column } = cellOf(array.shape, index);
  return numberIn(array, row, column);
}

function sizeOf(shape) {
  return shape.reduce((product, length) => product * length, 1);
}

/** Where an index is in the matrix that joins all axes but the last. */
function cellOf(shape, index) {
  let row = 0;
  for (let axis = 0; axis < shape.length - 1; axis++) row = row * shape[axis] + index[axis];
  return { row, column: shape.length ? index[shape.length - 1] : 0 };
}

/** The index of a place in the matrix. */
function indexOf(shape, row, column) {
  const index = new Array(shape.length);
  if (shape.length) index[shape.length - 1] = column;
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    index[axis] = row % shape[axis];
    row = Math.floor(row / shape[axis]);
  }
  return index;
}

/** The index of the k-th element. */
function indexOfFlat(shape, k) {
  const columns = shape.length ? shape[shape.length - 1] : 1;
  return indexOf(shape, Math.floor(k / columns), k % columns);
}

function sameIndex(one, other) {
  return one.length === other.length && one.every((place, axis) => place === other[axis]);
}

/** As much of an array as the page holds of another one of its shape. */
function cutTo(array, other) {
  const rows = Math.min(array.rows, other.rows);
  const columns = Math.min(array.columns, other.columns);
  if (rows === array.rows && columns === array.columns) return array;
  const numbers = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const start = row * array.columns;
    numbers.set(numbersOf(array).subarray(start, start + columns), row * columns);
  }
  const cut = { ...array, rows, columns, truncated: true };
  decoded.set(cut, numbers);
  return cut;
}

/** The largest magnitude among the finite numbers of some arrays: the end of their colour scale. */
function largestIn(...arrays) {
  let largest = 0;
  for (const array of arrays) {
    if (!array) continue;
    for (const number of numbersOf(array)) {
      if (Number.isFinite(number) && Math.abs(number) > largest) largest = Math.abs(number);
    }
  }
  return largest;
}

// --- in words ------------------------------------------------------------------------------------

function formatShape(shape) {
  return shape.length ? `(${shape.join(", ")}${shape.length === 1 ? "," : ""})` : "()";
}

/** The shape as it stands in a node: 32×16, or what a single number is. */
function shortShape(array) {
  if (sizeOf(array.shape) === 1) return formatNumber(numberIn(array, 0, 0));
  const shape = array.shape.join("×");
  if (!array.notFinite) return shape;
  return `${shape} with ${Number.isNaN(Number(array.min)) ? "NaN" : "∞"}`;
}

function formatIndex(index) {
  return `[${index.join(", ")}]`;
}
