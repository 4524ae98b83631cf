// Each step in words.

const HINT =
  "Press play to watch values flow down and gradients flow back up; choose any node to see its numbers.";

function sentenceOf(position) {
  const step = sequence[position - 1];
  if (!step) return HINT;
  return step.phase === "forward"
    ? forwardWords(step.entry, position)
    : backwardWords(step.entry, position);
}

function forwardWords(entry, position) {
  const { op, value } = tape.entries[entry];
  const [label, layer] = [nameOf(entry), layerOf(entry)];
  const names = listed(inputsOf(entry).map((edge) => named(edge.source)));
  const place = layer ? ` in ${layer}` : "";
  const whose = label === op ? "" : `${label} `;
  const result =
    sizeOf(value.shape) === 1
      ? `${whose && `${whose}= `}${shortShape(value)}`
      : `${whose}${whose ? "of " : ""}shape ${formatShape(value.shape)}`;
  const end = entry === tape.loss ? " This is the loss." : "";
  return `Forward, ${position} of ${FORWARD_STEPS}: ${op}${place} takes ${names} and gives ${result}.${end}`;
}

function named(entry) {
  const { value, kind } = tape.entries[entry];
  const label = nameOf(entry);
  const number = sizeOf(value.shape) === 1 && kind !== "constant";
  return number ? `${label} = ${shortShape(value)}` : label;
}

function backwardWords(entry, position) {
  const { op, gradient } = tape.entries[entry];
  const layer = layerOf(entry);
  const count = `Backward, ${position - FORWARD_STEPS} of ${sequence.length - FORWARD_STEPS}`;
  const received =
    entry === tape.loss
      ? "begins with 1, the loss's own gradient,"
      : `has received ${amount(gradient)}`;
  const sent = inputsOf(entry).filter((edge) => edge.contribution);
  const shares = sent.map((edge) => `${amount(edge.contribution)} to ${nameOf(edge.source)}`);
  const words = `${count}: ${op}${layer ? ` in ${layer}` : ""} ${received} and sends ${listed(shares) || "nothing"}.`;
  return [words, ...sumWords(sent)].join(" ");
}

function amount(array) {
  if (!array) return "nothing";
  if (sizeOf(array.shape) === 1) return formatNumber(numberIn(array, 0, 0));
  return `a gradient of norm ${formatNumber(array.norm, 3)}`;
}

/** What those that were sent something hold by now, where that is a sum. */
function sumWords(sent) {
  const sources = new Set(sent.map((edge) => edge.source));
  return [...sources].flatMap((source) => {
    const all = contributionsTo(source);
    if (all.length < 2) return [];
    const { state: known, arrived } = gradientBy(source);
    const name = nameOf(source);
    if (known !== "whole")
      return [`${name} waits for ${plural(all.length - arrived.length, "more share")}.`];
    const { gradient } = tape.entries[source];
    if (sizeOf(gradient.shape) > 1) {
      return [`${name} adds up all ${all.length}: norm ${formatNumber(gradient.norm, 3)}.`];
    }
    return [`${name} adds them up: ${textOfSum(source, arrived, true).replace("∂ ", "")}.`];
  });
}
