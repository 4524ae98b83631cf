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

/** Which element of an argument of `shape` meets the result's element at `index`. */
function broadcastIndex(shape, index) {
  const extra = index.length - shape.length;
  return shape.map((length, axis) => (length === 1 ? 0 : index[axis + extra]));
}

/** All indices of a shape that meet `index` of a smaller, broadcast one; at most `most` of them. */
function placesOf(shape, small, index, most) {
  const extra = shape.length - small.length;
  const places = [[]];
  for (let axis = 0; axis < shape.length; axis++) {
    const own = axis - extra;
    const free = own < 0 || (small[own] === 1 && shape[axis] !== 1);
    const choices = free ? [...Array(Math.min(shape[axis], most)).keys()] : [index[own]];
    const before = places.splice(0);
    for (const place of before) {
      for (const choice of choices) if (places.length < most) places.push([...place, choice]);
    }
  }
  return { places, count: sizeOf(shape) / Math.max(1, sizeOf(small)) };
}

function sameIndex(one, other) {
  return one.length === other.length && one.every((place, axis) => place === other[axis]);
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
