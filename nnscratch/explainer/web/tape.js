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

/** The edges that bring gradient back to each entry's first result, in the order of arrival. */
const arrivals = usesOf.map((uses) =>
  uses
    .map((edge) => tape.edges[edge])
    .filter((edge) => edge.contribution && edge.output === 0)
    .sort((one, other) => visitedAt.get(one.target) - visitedAt.get(other.target)),
);

function contributionsTo(entry) {
  return arrivals[entry];
}

/** {formula, derivative, rule} of an op's entry. */
function opOf(entry) {
  return tape.ops[entry.op] ?? {};
}

const MOST_LETTERS = 48;

/** A name as it stands in a sentence or on a button: the middle of a very long one is left out. */
function shortName(name) {
  if (name.length <= MOST_LETTERS) return name;
  return `${name.slice(0, MOST_LETTERS - 16)}…${name.slice(-15)}`;
}

function nameOf(entry) {
  return shortName(tape.entries[entry].label);
}

/** The layer of an entry as it stands in a sentence; null outside of all. */
function layerOf(entry) {
  const { layer } = tape.entries[entry];
  return layer && shortName(layer);
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

/** The value that an edge carries: that of its source, or one of the source's later results. */
function argumentArray(edge) {
  const source = tape.entries[edge.source];
  return edge.output === 0 ? source.value : source.results[edge.output].value;
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
