// An optimizer's update of one weight, worked out with its numbers.
//
// The formulas are Keras's, as in nnscratch_kernels: RMSprop's ε stands inside the root, Adam's is
// added before the bias correction.

/** What happened to the element at `index` of a parameter in a step. */
function moveWords(run, parameter, step, index) {
  const known = numbersOfStep(parameter, step, index);
  const name = `${parameter.name}${formatIndex(index)}`;
  if (!parameter.trainable)
    return html("p", {}, `${name} is frozen: it gets no update, whatever the loss.`);
  if (known.update === undefined)
    return html(
      "p",
      { class: "quietly" },
      `${name} is not in the part of the array that the page holds.`,
    );
  const worked = workOut(run, step, known);
  return html(
    "div",
    { class: "moved", "data-label": "Why it moved" },
    html("p", {}, directionWords(name, step, known)),
    worked ? html("ol", { class: "words" }, worked.lines.map(wordsLine)) : null,
    html(
      "p",
      { class: "equation" },
      `w: ${formatNumber(known.value)} ${signed(known.update)} = `,
      html("span", { class: "result" }, formatNumber(known.value + known.update)),
    ),
    ...(
      worked?.notes ?? [
        "How this optimizer makes its update is not worked out here; the curves show its numbers.",
      ]
    ).map((note) => html("p", { class: "quietly" }, note)),
  );
}

function signed(number) {
  return number < 0 || Object.is(number, -0)
    ? `− ${formatNumber(Math.abs(number))}`
    : `+ ${formatNumber(number)}`;
}

function numbersOfStep(parameter, step, index) {
  const at = (array) => (array ? numberAt(array, index) : undefined);
  const slot = (name) => at(parameter.slots[name]?.[step]);
  const before = (name) => (step > 0 ? at(parameter.slots[name]?.[step - 1]) : undefined);
  return {
    value: at(parameter.values[step]),
    gradient: at(parameter.gradients[step]),
    update: at(parameter.updates[step]),
    slot,
    before,
  };
}

function directionWords(name, step, { gradient, update }) {
  const moved =
    update === 0
      ? `did not move ${name}`
      : `moved ${name} ${update > 0 ? "up" : "down"} by ${formatNumber(Math.abs(update))}`;
  const start = `Step ${step + 1} ${moved}. `;
  if (gradient === undefined) return `${start}It had no gradient.`;
  if (gradient === 0)
    return `${start}Its gradient was 0: the loss did not depend on it in this batch.`;
  const slope = `Its gradient was ${formatNumber(gradient)}: a larger weight would ${gradient > 0 ? "raise" : "lower"} the loss, so it should go ${gradient > 0 ? "down" : "up"}`;
  if (update === 0 || Math.sign(update) !== Math.sign(gradient)) return `${start}${slope}.`;
  return `${start}${slope}; but the running mean of earlier gradients still carries it the other way.`;
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

/** "Adam" of "optimizers.Adam". */
function optimizerName(run) {
  return run.optimizer?.class_name.split(".").pop() ?? null;
}

/** {lines, notes} with the optimizer's formula in numbers; null for one that is not known here. */
function workOut(run, step, known) {
  const kind = optimizerName(run);
  const config = run.optimizer?.settings ?? {};
  const makers = {
    SGD: workOutSGD,
    RMSprop: workOutRMSprop,
    Adam: workOutAdam,
    AdamW: workOutAdam,
  };
  if (!makers[kind] || known.gradient === undefined) return null;
  const rate = Number(run.learningRates[step]);
  const lines = [];
  let update = 0;
  if (config.weight_decay) {
    update = -rate * config.weight_decay * known.value;
    lines.push({
      name: "weight decay: −η·λ·w",
      terms: `−${n(rate)} · ${n(config.weight_decay)} · ${n(known.value)}`,
      result: update,
    });
  }
  const time = run.iterations[step] + 1;
  update += makers[kind](config, known, rate, lines, time);
  return { lines, notes: [...sizeNotes(kind, rate, known), ...otherNotes(update, known)] };
}

function n(number) {
  const text = formatNumber(number);
  return text.startsWith("−") ? `(${text})` : text;
}

function sizeNotes(kind, rate, { update }) {
  if (kind === "SGD" || update === 0 || rate === 0) return [];
  return [
    `That is ${formatNumber(Math.abs(update) / rate, 3)} times the learning rate: dividing by the root of v leaves little of the gradient's own scale.`,
  ];
}

/** Where the recorded update is another one, something has changed the gradient or the rate. */
function otherNotes(computed, { update }) {
  if (Math.abs(computed - update) <= 2e-3 * Math.abs(update) + 1e-7) return [];
  return [
    `The update as recorded is ${formatNumber(update)}, not ${formatNumber(computed)}: clipping, accumulated gradients, a constraint ` +
      `or a learning rate of its own had a part in it.`,
  ];
}

function workOutSGD(config, { gradient: g, before, slot }, rate, lines) {
  if (!config.momentum) {
    lines.push({ name: "Δ = −η·g", terms: `−${n(rate)} · ${n(g)}`, result: -rate * g });
    return -rate * g;
  }
  const mu = config.momentum;
  const old = before("momentum") ?? snapped((slot("momentum") + rate * g) / mu, slot("momentum"));
  const m = mu * old - rate * g;
  lines.push({
    name: "m ← μ·m − η·g",
    terms: `${n(mu)} · ${n(old)} − ${n(rate)} · ${n(g)}`,
    result: m,
  });
  if (!config.nesterov) {
    lines.push({ name: "Δ", terms: "m", result: m });
    return m;
  }
  const change = mu * m - rate * g;
  lines.push({
    name: "Δ = μ·m − η·g (Nesterov)",
    terms: `${n(mu)} · ${n(m)} − ${n(rate)} · ${n(g)}`,
    result: change,
  });
  return change;
}

/** What a slot held before its first recorded step; rounding is taken for 0. */
function snapped(old, now) {
  return Math.abs(old) < 1e-4 * Math.abs(now) || !Number.isFinite(old) ? 0 : old;
}

/** One line for a running mean: `name` ← β·name + (1 − β)·new; returns its value. */
function runningMean(lines, name, beta, symbol, fresh, words, known, key) {
  const old =
    known.before(key) ?? snapped((known.slot(key) - (1 - beta) * fresh) / beta, known.slot(key));
  const result = beta * old + (1 - beta) * fresh;
  lines.push({
    name: `${name} ← ${symbol}·${name} + (1 − ${symbol})·${words[0]}`,
    terms: `${n(beta)} · ${n(old)} + ${n(1 - beta)} · ${words[1]}`,
    result,
  });
  return result;
}

function workOutRMSprop(config, known, rate, lines) {
  const { gradient: g } = known;
  const { rho, epsilon, momentum, centered } = config;
  const v = runningMean(lines, "v", rho, "ρ", g * g, ["g²", `${n(g)}²`], known, "velocity");
  let inside = v + epsilon;
  let words = `${n(v)} + ${n(epsilon)}`;
  let name = "η·g / √(v + ε)";
  if (centered) {
    const a = runningMean(lines, "a", rho, "ρ", g, ["g", n(g)], known, "average_gradient");
    inside = v - a * a + epsilon;
    words = `${n(v)} − ${n(a)}² + ${n(epsilon)}`;
    name = "η·g / √(v − a² + ε)";
  }
  const change = (rate * g) / Math.sqrt(inside);
  const terms = `${n(rate)} · ${n(g)} / √(${words})`;
  if (!momentum) {
    lines.push({ name: `Δ = −${name}`, terms: `−${terms}`, result: -change });
    return -change;
  }
  const old =
    known.before("momentum") ??
    snapped((known.slot("momentum") - change) / momentum, known.slot("momentum"));
  const m = momentum * old + change;
  lines.push({
    name: `m ← μ·m + ${name}`,
    terms: `${n(momentum)} · ${n(old)} + ${terms}`,
    result: m,
  });
  lines.push({ name: "Δ", terms: "−m", result: -m });
  return -m;
}

function workOutAdam(config, known, rate, lines, time) {
  const { gradient: g } = known;
  const { beta_1: beta1, beta_2: beta2, epsilon, amsgrad } = config;
  const m = runningMean(lines, "m", beta1, "β₁", g, ["g", n(g)], known, "momentum");
  let v = runningMean(lines, "v", beta2, "β₂", g * g, ["g²", `${n(g)}²`], known, "velocity");
  if (amsgrad) {
    v = known.slot("velocity_hat") ?? v;
    lines.push({ name: "v̂", terms: "the largest v so far", result: v });
  }
  const alpha = (rate * Math.sqrt(1 - beta2 ** time)) / (1 - beta1 ** time);
  lines.push({
    name: `α = η·√(1 − β₂ᵗ) / (1 − β₁ᵗ), t = ${time}`,
    terms: `${n(rate)} · √(1 − ${n(beta2)}^${time}) / (1 − ${n(beta1)}^${time})`,
    result: alpha,
  });
  const change = (-alpha * m) / (Math.sqrt(v) + epsilon);
  lines.push({
    name: `Δ = −α·m / (√${amsgrad ? "v̂" : "v"} + ε)`,
    terms: `−${n(alpha)} · ${n(m)} / (√${n(v)} + ${n(epsilon)})`,
    result: change,
  });
  return change;
}
