// The document: entries, edges and passes, and what follows from them.

const tape = JSON.parse(byId("recorded").textContent);

/** The edges along which each entry's value is used. */
const usesOf = tape.entries.map(() => []);
for (const edge of tape.edges) usesOf[edge.source].push(edge.id);

/** Both passes as one sequence of steps. */
const sequence = [
  ...tape.forward.map((entry) => ({ phase: "forward", entry })),
  ...tape.backward.map((entry) => ({ phase: "backward", entry })),
];
const FORWARD_STEPS = tape.forward.length;

/** The position of the scrubber at which each op runs; leaves are there from the start. */
const computedAt = new Map(tape.forward.map((entry, place) => [entry, place + 1]));
/** The position at which the walk visits each op. */
const visitedAt = new Map(tape.backward.map((entry, place) => [entry, FORWARD_STEPS + place + 1]));

const KIND_WORDS = {
  parameter: "parameter",
  variable: "variable",
  input: "input",
  constant: "constant",
  op: "operation",
};

function inputsOf(entry) {
  return tape.entries[entry].inputs.map((edge) => tape.edges[edge]);
}

/** The edges that bring gradient back to an entry, in the order in which it arrives. */
function contributionsTo(entry) {
  return usesOf[entry]
    .map((edge) => tape.edges[edge])
    .filter((edge) => edge.contribution && edge.output === 0)
    .sort((one, other) => visitedAt.get(one.target) - visitedAt.get(other.target));
}

function nameOf(entry) {
  return tape.entries[entry].label;
}

/** "loss = mean" for an op's result that has a name in the program. */
function titleOf({ label, op }) {
  return op && op !== label ? `${label} = ${op}` : label;
}

/** A scalar's number, or the norm of a larger array, as it stands in the graph. */
function shortGradient(array) {
  if (sizeOf(array.shape) === 1) return formatNumber(numberIn(array, 0, 0));
  return `‖${formatNumber(array.norm, 3)}‖`;
}

/** The value of the element of an argument; undefined for the later results of an op. */
function argumentArray(edge) {
  return edge.output === 0 ? tape.entries[edge.source].value : null;
}

/**
 * The first place where a NaN came up: forward first, then backward; or the first infinity.
 *
 * An infinity that comes to nothing (the −∞ of a mask) is none of anyone's concern.
 */
function findNotFinite() {
  const places = [
    ...tape.entries
      .filter((entry) => entry.kind !== "op")
      .map((entry) => ({ entry: entry.id, what: "value", position: 0, arrays: [entry.value] })),
    ...[...computedAt].map(([entry, position]) => ({
      entry,
      what: "value",
      position,
      arrays: [tape.entries[entry].value],
    })),
    ...[...visitedAt].map(([entry, position]) => ({
      entry,
      what: "gradient",
      position,
      arrays: inputsOf(entry).map((edge) => edge.contribution),
    })),
  ];
  const first = (test) => places.find(({ arrays }) => arrays.some((array) => array && test(array)));
  const isNaN = first((array) => Number.isNaN(Number(array.min ?? 0)));
  if (isNaN) return isNaN;
  const loss = tape.entries[tape.loss].value.notFinite > 0;
  const backward = tape.edges.some((edge) => edge.contribution?.notFinite > 0);
  return loss || backward ? first((array) => array.notFinite > 0) : null;
}

/** What `findNotFinite` gives; the page marks numbers that are not finite only if there is one. */
const firstOdd = findNotFinite();
