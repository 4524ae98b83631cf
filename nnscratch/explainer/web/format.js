// Numbers, shapes and times as a person reads them.

/** A number with so many significant digits, without zeros at its end, with a real minus sign. */
function formatNumber(number, digits = 4) {
  if (number === undefined) return "…";
  const value = Number(number); // "NaN" and "Infinity" come as text
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  let text;
  if (size >= 10 ** Math.max(5, digits) || size < 1e-3) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    text = `${withoutZeros(mantissa)}e${exponent.replace("+", "")}`;
  } else {
    text = withoutZeros(value.toPrecision(digits));
    if (text.includes("e")) text = String(Number(text));
  }
  return text.replaceAll("-", "−");
}

function withoutZeros(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** All digits that a float32 has. */
function formatExactly(number) {
  return formatNumber(number, 8);
}

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

function formatSeconds(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds >= 1) return `${formatNumber(seconds, 3)} s`;
  if (seconds >= 1e-3) return `${formatNumber(seconds * 1e3, 3)} ms`;
  return `${formatNumber(seconds * 1e6, 3)} µs`;
}

function formatShare(share) {
  if (share === 0) return "0 %";
  if (share < 0.001) return "< 0.1 %";
  return `${formatNumber(share * 100, 3)} %`;
}

function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** "x, W and b" */
function listed(names) {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}
