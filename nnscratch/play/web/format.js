// Numbers as a person reads them.

/** A number with so many significant digits and a real minus sign; null is not finite. */
export function formatNumber(number, digits = 3) {
  if (number === null) return "not finite";
  if (number === 0) return "0";
  const size = Math.abs(number);
  let text;
  if (size >= 1e5 || size < 1e-3) {
    const [mantissa, exponent] = number.toExponential(digits - 1).split("e");
    text = `${withoutZeros(mantissa)}e${exponent.replace("+", "")}`;
  } else {
    text = withoutZeros(String(Number(number.toPrecision(digits))));
  }
  return text.replaceAll("-", "−");
}

function withoutZeros(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** With as many decimals as it takes to compare it with its neighbours in time. */
export function formatLoss(loss) {
  if (loss === null) return "not finite";
  return loss < 1000 ? loss.toFixed(loss < 10 ? 4 : 2) : formatNumber(loss);
}

export function formatShare(share) {
  return `${(100 * share).toFixed(1)} %`;
}

/** "1 unit", "3 units" */
export function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

/** x₁, x₂ */
export function inputName(place) {
  return `x${SUBSCRIPTS[place + 1]}`;
}
