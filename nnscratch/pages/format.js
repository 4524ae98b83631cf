// Numbers, times and lists as a person reads them.

/**
 * A number with so many significant digits, without zeros at its end, with a real minus sign.
 *
 * "NaN" and "Infinity" may come as text; null is a number that is not finite, undefined one that
 * the page does not hold.
 */
export function formatNumber(number, digits = 4) {
  if (number === undefined) return "…";
  if (number === null) return "not finite";
  const value = Number(number);
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
export function formatExactly(number) {
  return formatNumber(number, 8);
}

export function formatSeconds(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds >= 1) return `${formatNumber(seconds, 3)} s`;
  if (seconds >= 1e-3) return `${formatNumber(seconds * 1e3, 3)} ms`;
  return `${formatNumber(seconds * 1e6, 3)} µs`;
}

export function formatShare(share) {
  if (share === 0) return "0 %";
  if (share < 0.001) return "< 0.1 %";
  return `${formatNumber(share * 100, 3)} %`;
}

/** "1 unit", "3 units" */
export function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** "x, W and b" */
export function listed(names) {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}
