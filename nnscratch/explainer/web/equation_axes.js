// The axes of the arrays that a form speaks of: a letter for each, and where an index puts it.
//
// "1" is an axis of length 1 that was broadcast; "*a" an array whose elements are counted in order.

/** What index each letter has at an element; null if two axes of one letter do not agree. */
function lettersAt(axes, shape, index) {
  if (axes.startsWith("*")) return { [axes[1]]: flatIndex(shape, index) };
  const place = {};
  for (const [axis, letter] of [...axes].entries()) {
    if (letter === "1") continue;
    if (letter in place && place[letter] !== index[axis]) return null;
    place[letter] = index[axis];
  }
  return place;
}

/** The index of the element where the letters have these indices. */
function indexAt(axes, shape, place) {
  if (axes.startsWith("*")) return indexOfFlat(shape, place[axes[1]]);
  return [...axes].map((letter) => (letter === "1" ? 0 : place[letter]));
}

/** Which element it is if all are counted in order. */
function flatIndex(shape, index) {
  return index.reduce((flat, at, axis) => flat * shape[axis] + at, 0);
}

/** How many indices there are for each letter of some arrays. */
function lengthsOf(axesByKey, arrays) {
  const lengths = {};
  for (const [key, axes] of Object.entries(axesByKey)) {
    if (!arrays[key] || axes.startsWith("*")) continue;
    for (const [axis, letter] of [...axes].entries()) {
      if (letter !== "1") lengths[letter] = arrays[key].shape[axis];
    }
  }
  return lengths;
}

/** Whether an index is among those that a sum runs over, seen from where one points. */
const AMONG = {
  all: () => true,
  "up to": (index, own) => index <= own,
  from: (index, own) => index >= own,
  others: () => true,
};

/** Which places a sum runs over: the first `most` of them, and how many there are. */
function placesOfSum({ over, which = "all" }, place, lengths, most) {
  const shape = [...over].map((letter) => lengths[letter]);
  const own = [...over].map((letter) => place[letter]);
  const size = sizeOf(shape);
  const counts = { all: size, "up to": own[0] + 1, from: size - own[0], others: size - 1 };
  const places = [];
  for (let k = which === "from" ? own[0] : 0; k < size && places.length < most; k++) {
    const index = indexOfFlat(shape, k);
    if (which === "others" && sameIndex(index, own)) continue;
    if (which === "up to" && k > own[0]) break;
    const there = { ...place };
    [...over].forEach((letter, axis) => {
      there[letter] = index[axis];
    });
    places.push(there);
  }
  return { places, count: counts[which] };
}
