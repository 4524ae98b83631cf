// Why a weight moved in a step, in words and with its numbers.

/** What happened to the element at `index` of a parameter in a step. */
function moveWords(run, parameter, step, index) {
  const known = numbersOfStep(run, parameter, step, index);
  const name = `${parameter.name}${formatIndex(index)}`;
  if (known.value === undefined) return quietWords(absentWords(name, parameter.values[step]));
  if (known.gradient === undefined && !parameter.trainable)
    return quietWords(untrainedWords(name, known));
  const worked = workOut(run, parameter, step, known);
  const unknown = known.gradient !== undefined && !worked;
  return html(
    "div",
    { class: "moved", "data-label": "Why it moved", "data-update": worked?.update },
    html("p", {}, directionWords(name, step, known)),
    worked ? html("ol", { class: "words" }, worked.lines.map(wordsLine)) : null,
    html(
      "p",
      { class: "equation" },
      `w: ${formatNumber(known.value)} ${signed(known.update)} = `,
      html("span", { class: "result" }, formatNumber(known.value + known.update)),
    ),
    (worked?.notes ?? []).map((note) => html("p", { class: "quietly" }, note)),
    unknown
      ? quietWords(
          "How this optimizer makes its update is not known here; the curves show its numbers.",
        )
      : null,
  );
}

function quietWords(words) {
  return html("p", { class: "quietly" }, words);
}

function signed(number) {
  return number < 0 || Object.is(number, -0)
    ? `− ${formatNumber(Math.abs(number))}`
    : `+ ${formatNumber(number)}`;
}

function absentWords(name, array) {
  if (!array) return `There was no ${name} at this step yet.`;
  if (sizeOf(array.shape) === 0) return "The array is empty: there is nothing to move.";
  return `${name} is not in the part of the array that the page holds.`;
}

/** Frozen, or kept by the layer itself, as the running means of a normalisation are. */
function untrainedWords(name, { update, value }) {
  if (!update) return `${name} is frozen: it gets no update, whatever the loss.`;
  return (
    `${name} is not trained by gradients: its layer set it from ${formatNumber(value)} to ` +
    `${formatNumber(value + update)} itself, from what went through it.`
  );
}

function numbersOfStep(run, parameter, step, index) {
  const at = (array) => (array ? numberAt(array, index) : undefined);
  const slot = (name) => parameter.before[step][name] ?? parameter.slots[name]?.[step - 1];
  return {
    value: at(parameter.values[step]),
    gradient: at(parameter.gradients[step]),
    update: at(parameter.updates[step]),
    before: (name) => at(slot(name)) ?? optimizerAt(run, step).starts[name], // or made in this step
  };
}

function directionWords(name, step, { gradient, update }) {
  if (Number.isNaN(update)) return `Step ${step + 1} made ${name} NaN. ${nanWords(gradient)}`;
  const moved =
    update === 0
      ? `did not move ${name}`
      : `moved ${name} ${update > 0 ? "up" : "down"} by ${formatNumber(Math.abs(update))}`;
  const start = `Step ${step + 1} ${moved}. `;
  if (gradient === undefined) return `${start}It had no gradient.`;
  if (gradient === 0)
    return `${start}Its gradient was 0: the loss did not depend on it in this batch.`;
  if (!Number.isFinite(gradient)) return `${start}${nanWords(gradient)}`;
  const [would, way] = gradient > 0 ? ["raise", "down"] : ["lower", "up"];
  const slope =
    `Its gradient was ${formatNumber(gradient)}: a larger weight would ${would} the loss, so it ` +
    `should go ${way}`;
  if (update === 0 || Math.sign(update) !== Math.sign(gradient)) return `${start}${slope}.`;
  return `${start}${slope}; but the other terms, of earlier gradients or of the weight itself, outweigh it.`;
}

function wordsLine({ name, terms, result }) {
  return html(
    "li",
    { class: "equation" },
    html("span", { class: "law" }, name),
    ` = ${terms} = `,
    html("span", { class: "result" }, formatNumber(result)),
  );
}

function nanWords(gradient) {
  return gradient === undefined
    ? "It had no gradient."
    : `Its gradient was ${formatNumber(gradient)}, which gives no direction.`;
}

/** What made the update of a step; null of a model without an optimizer. */
function optimizerAt(run, step) {
  return run.optimizers[run.optimizerAt[step]] ?? null;
}

/** "Adam" of "optimizers.Adam"; null without an optimizer. */
function optimizerName(optimizer) {
  return optimizer?.class_name.split(".").pop() ?? null;
}
