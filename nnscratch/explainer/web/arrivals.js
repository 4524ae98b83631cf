// What has arrived of each gradient by the step that is shown.

/** {state: "none" | "waiting" | "partly" | "whole", arrived: edges} */
function gradientBy(entry) {
  if (!tape.entries[entry].gradient) return { state: "none", arrived: [] };
  const edges = contributionsTo(entry);
  const { position } = state;
  if (position === 0) return { state: "whole", arrived: edges };
  const arrived = edges.filter((edge) => visitedAt.get(edge.target) <= position);
  if (entry === tape.loss) {
    return { state: position >= visitedAt.get(entry) ? "whole" : "waiting", arrived };
  }
  if (arrived.length === edges.length && edges.length) return { state: "whole", arrived };
  return { state: arrived.length ? "partly" : "waiting", arrived };
}

/** The text of a gradient in its node: a number, a sum of numbers, or a norm. */
function gradientText(entry) {
  const { state: known, arrived } = gradientBy(entry);
  if (known === "none" || known === "waiting") return "";
  const broken = brokenGradient(entry);
  if (!broken) return textOfSum(entry, arrived, known === "whole");
  if (known === "partly") return `∂ ${plural(arrived.length, "part")} …`;
  return broken.wrong ? `∂ ${shortGradient(broken.wrong)} ✗` : "∂ ✗";
}

/** Whether an entry's gradient is there by the step that is shown, and is a wrong one. */
function isWrongBy(entry) {
  return brokenGradient(entry) !== null && gradientBy(entry).state === "whole";
}

function textOfSum(entry, arrived, whole) {
  const { gradient } = tape.entries[entry];
  if (sizeOf(gradient.shape) === 1 && arrived.length > 1 && arrived.length < 4) {
    const terms = arrived.map((edge) => formatNumber(numberIn(edge.contribution, 0, 0)));
    const sum = whole
      ? numberIn(gradient, 0, 0)
      : arrived.reduce((total, edge) => total + numberIn(edge.contribution, 0, 0), 0);
    return `∂ ${terms.join(" + ")} = ${formatNumber(sum)}${whole ? "" : " …"}`;
  }
  if (whole) return `∂ ${shortGradient(gradient)}`;
  if (arrived.length === 1) return `∂ ${shortGradient(arrived[0].contribution)} …`;
  return `∂ ${plural(arrived.length, "part")} …`;
}

/** What a node must have room for. */
function longestGradientText(entry) {
  return `${textOfSum(entry, contributionsTo(entry), true)} ✗`;
}

/** The norm of the gradients of all parameters in a group, as far as they have arrived. */
function groupGradient(group) {
  const parameters = group.entries.filter(
    (entry) => tape.entries[entry].kind === "parameter" && tape.entries[entry].gradient,
  );
  const known = parameters.filter((entry) => gradientBy(entry).state === "whole");
  const broken = group.entries.some(isWrongBy);
  if (!known.length) return broken ? "✗" : "";
  const norms = known.map((entry) => {
    const array = brokenGradient(entry)?.wrong ?? tape.entries[entry].gradient;
    return Number(array.norm);
  });
  return `∂ ‖${formatNumber(Math.hypot(...norms), 3)}‖${broken ? " ✗" : ""}`;
}
