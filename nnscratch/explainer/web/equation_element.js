// How one element came about: of an op's result, and of what it sends back.
//
// An explanation is {lines, marks, note}; see `workedOut`.

/** How an op's elements come about: {axes, forward, backward}, or {sources} of what only moves. */
function formOf(target) {
  return tape.forms[target.form];
}

/** The explanation of the element of an op's result at `index`. */
function explainElement(target, index) {
  const { value } = target;
  const form = formOf(target);
  if (!sizeOf(value.shape)) return null;
  if (form.sources) return explainMoved(target, index);
  const place = lettersAt(form.axes.y ?? "", value.shape, index);
  return explained(target, form.forward, place, numberAt(value, index));
}

/** The explanation of the element of an edge's contribution at `index`; null if there is none. */
function explainContribution(edge, index) {
  const target = tape.entries[edge.target];
  const form = formOf(target);
  if (!sizeOf(edge.contribution.shape)) return null;
  if (form.sources) return explainMovedBack(target, edge, index);
  const expression = form.backward[edge.argument];
  if (!expression) return null;
  const { shape } = edge.contribution;
  const place = lettersAt(form.axes[edge.argument], shape, index);
  return explained(target, expression, place, numberAt(edge.contribution, index));
}

function explained(target, expression, place, number) {
  const result = { number, of: "result" };
  if (!place)
    return {
      lines: [["0 = ", result]],
      marks: new Map(),
      note: "beside the diagonal, which alone has a part in the result",
    };
  const writer = new Writer(target);
  const lines = (expression.steps ?? []).map(([name, parts]) => [
    `${name} = `,
    ...writer.terms(parts, place),
    " = ",
    { number: writer.number(name, place), of: "known" },
  ]);
  if (expression.parts.length)
    lines.push([...writer.terms(expression.parts, place), " = ", result]);
  const { marks } = writer;
  return { lines, marks, note: noteOf(writer.reasons, expression.note) };
}

function noteOf(reasons, note) {
  const words = [...new Set(reasons)].map((reason) => `since ${reason}`);
  return [note, words.join(", ")].filter(Boolean).join("; ");
}

/** The matrices beneath the explanation of an element of a result. */
function arraysOfElement(target) {
  const { sources, forward } = formOf(target);
  if (!sources) return large(figures(target, forward));
  return large(inputsOf(target.id).map((edge) => figure(target, String(edge.argument))));
}

/** The matrices beneath the explanation of an element of a contribution. */
function arraysOfContribution(edge) {
  const target = tape.entries[edge.target];
  const { sources, backward } = formOf(target);
  return large(sources ? gradientsOf(target) : figures(target, backward[edge.argument]));
}

function large(figures) {
  return figures.filter(({ array }) => array && sizeOf(array.shape) > 1);
}

/** What an expression speaks of: the gradient first, then arguments, result and what is known. */
function figures(target, expression) {
  const steps = (expression?.steps ?? []).flatMap(([, parts]) => parts);
  const keys = keysIn([...steps, ...(expression?.parts ?? [])]);
  return ["g", ...Object.keys(formOf(target).axes).filter((key) => key !== "g")]
    .filter((key) => keys.has(key))
    .map((key) => figure(target, key));
}

function figure(target, key) {
  const array = arraysOf(target)[key];
  if (key === "g") return { key, array, name: `gradient of ${target.label}` };
  if (key === "y") return { key, array, name: target.label };
  const known = target.known[key];
  if (known) return { key, array, name: known.label };
  const edge = inputsOf(target.id).find((one) => one.argument === Number(key));
  return { key, array, name: nameOf(edge.source) };
}
