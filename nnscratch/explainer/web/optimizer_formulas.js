// The update of each optimizer in numbers, as its module in nnscratch.optimizers gives the formula.
//
// A maker gets the weight's numbers {w, g, rate, time, before(slot)} and the optimizer's constants,
// writes its lines by `line(name, terms, result)`, which gives back the result, and returns Δ.

const OPTIMIZERS = {
  SGD: { update: updateOfSGD },
  RMSprop: { update: updateOfRMSprop, scales: "the root of v" },
  Adam: { update: updateOfAdam, scales: "the root of v" },
  AdamW: { update: updateOfAdam, scales: "the root of v" },
  Nadam: { update: updateOfNadam, scales: "the root of v" },
  Adamax: { update: updateOfAdamax, scales: "the largest gradient, u," },
  Adagrad: { update: updateOfAdagrad, scales: "the root of n" },
  Adadelta: { update: updateOfAdadelta, scales: "the root of n" },
  Ftrl: { update: updateOfFtrl },
  Lion: { update: updateOfLion },
};

/** A number in a formula; a negative one in brackets. */
function n(number, digits = 4) {
  const text = formatNumber(number, digits);
  return text.startsWith("−") ? `(${text})` : text;
}

/** A constant in a formula, with all of its digits: 1 − 0.99995 must not become 1 − 1. */
function exact(number) {
  return n(number, 8);
}

/** A running mean: `name` ← β·name + (1 − β)·`what`. */
function runningMean({ before, line }, slot, name, symbol, beta, what, fresh, words) {
  const old = before(slot);
  return line(
    `${name} ← ${symbol}·${name} + (1 − ${symbol})·${what}`,
    `${exact(beta)} · ${n(old)} + ${exact(1 - beta)} · ${words}`,
    beta * old + (1 - beta) * fresh,
  );
}

function meanOfGradients(known, slot, symbol, beta, name = "m") {
  return runningMean(known, slot, name, symbol, beta, "g", known.g, n(known.g));
}

function meanOfSquares(known, slot, symbol, beta, name = "v") {
  return runningMean(known, slot, name, symbol, beta, "g²", known.g ** 2, `${n(known.g)}²`);
}

function updateOfSGD({ g, rate, before, line }, { momentum, nesterov }) {
  if (!momentum) return line("Δ = −η·g", `−${n(rate)} · ${n(g)}`, -rate * g);
  const old = before("momentum");
  const m = line(
    "m ← μ·m − η·g",
    `${exact(momentum)} · ${n(old)} − ${n(rate)} · ${n(g)}`,
    momentum * old - rate * g,
  );
  if (!nesterov) return line("Δ", "m", m);
  return line(
    "Δ = μ·m − η·g (Nesterov)",
    `${exact(momentum)} · ${n(m)} − ${n(rate)} · ${n(g)}`,
    momentum * m - rate * g,
  );
}

function updateOfRMSprop(known, { rho, epsilon, momentum, centered }) {
  const { g, rate, before, line } = known;
  const v = meanOfSquares(known, "velocity", "ρ", rho);
  let inside = v + epsilon;
  let root = `√(${n(v)} + ${exact(epsilon)})`;
  let law = "η·g / √(v + ε)";
  if (centered) {
    const a = meanOfGradients(known, "average_gradient", "ρ", rho, "a");
    inside = v - a * a + epsilon;
    root = `√(${n(v, 7)} − ${n(a, 7)}² + ${exact(epsilon)})`;
    law = "η·g / √(v − a² + ε)";
  }
  const change = (rate * g) / Math.sqrt(inside);
  const terms = `${n(rate)} · ${n(g)} / ${root}`;
  if (!momentum) return line(`Δ = −${law}`, `−${terms}`, -change);
  const old = before("momentum");
  const m = line(
    `m ← μ·m + ${law}`,
    `${exact(momentum)} · ${n(old)} + ${terms}`,
    momentum * old + change,
  );
  return line("Δ", "−m", -m);
}

function updateOfAdam(known, { beta_1: beta1, beta_2: beta2, epsilon, amsgrad }) {
  const { rate, time, before, line } = known;
  const m = meanOfGradients(known, "momentum", "β₁", beta1);
  let v = meanOfSquares(known, "velocity", "β₂", beta2);
  if (amsgrad) {
    const largest = before("velocity_hat");
    v = line("v̂ ← max(v̂, v)", `max(${n(largest)}, ${n(v)})`, Math.max(largest, v));
  }
  const alpha = line(
    `α = η·√(1 − β₂ᵗ) / (1 − β₁ᵗ), t = ${time}`,
    `${n(rate)} · √(1 − ${exact(beta2)}^${time}) / (1 − ${exact(beta1)}^${time})`,
    (rate * Math.sqrt(1 - beta2 ** time)) / (1 - beta1 ** time),
  );
  return line(
    `Δ = −α·m / (√${amsgrad ? "v̂" : "v"} + ε)`,
    `−${n(alpha)} · ${n(m)} / (√${n(v)} + ${exact(epsilon)})`,
    (-alpha * m) / (Math.sqrt(v) + epsilon),
  );
}

/** Nadam's decay of the momentum changes from step to step. */
function decayOfNadam(beta1, time) {
  return beta1 * (1 - 0.5 * 0.96 ** time);
}

function updateOfNadam(known, { beta_1: beta1, beta_2: beta2, epsilon }) {
  const { g, rate, time, line } = known;
  const m = meanOfGradients(known, "momentum", "β₁", beta1);
  const v = meanOfSquares(known, "velocity", "β₂", beta2);
  const [now, next] = [time, time + 1].map((t, place) =>
    line(
      `${place ? "uₜ₊₁" : "uₜ"} = β₁·(1 − 0.96ᵗ / 2), t = ${t}`,
      `${exact(beta1)} · (1 − 0.96^${t} / 2)`,
      decayOfNadam(beta1, t),
    ),
  );
  let product = 1;
  for (let t = 1; t <= time; t++) product *= decayOfNadam(beta1, t);
  line("U = u₁·u₂·…·uₜ", "their product", product);
  const mean = `${n(next)} · ${n(m)} / (1 − ${n(product)} · ${n(next)})`;
  const ahead = line(
    "m̂ = uₜ₊₁·m / (1 − U·uₜ₊₁) + (1 − uₜ)·g / (1 − U)",
    `${mean} + (1 − ${n(now)}) · ${n(g)} / (1 − ${n(product)})`,
    (next * m) / (1 - product * next) + ((1 - now) * g) / (1 - product),
  );
  const corrected = line(
    `v̂ = v / (1 − β₂ᵗ), t = ${time}`,
    `${n(v)} / (1 − ${exact(beta2)}^${time})`,
    v / (1 - beta2 ** time),
  );
  return line(
    "Δ = −η·m̂ / (√v̂ + ε)",
    `−${n(rate)} · ${n(ahead)} / (√${n(corrected)} + ${exact(epsilon)})`,
    (-rate * ahead) / (Math.sqrt(corrected) + epsilon),
  );
}

function updateOfAdamax(known, { beta_1: beta1, beta_2: beta2, epsilon }) {
  const { g, rate, time, before, line } = known;
  const m = meanOfGradients(known, "momentum", "β₁", beta1);
  const old = before("norm");
  const u = line(
    "u ← max(β₂·u, |g|)",
    `max(${exact(beta2)} · ${n(old)}, ${n(Math.abs(g))})`,
    Math.max(beta2 * old, Math.abs(g)),
  );
  return line(
    `Δ = −η / (1 − β₁ᵗ) · m / (u + ε), t = ${time}`,
    `−${n(rate)} / (1 − ${exact(beta1)}^${time}) · ${n(m)} / (${n(u)} + ${exact(epsilon)})`,
    ((-rate / (1 - beta1 ** time)) * m) / (u + epsilon),
  );
}

/** Adagrad's and Ftrl's sum of squares. */
function sumOfSquares({ g, before, line }, digits = 4) {
  const old = before("accumulator");
  return line("n ← n + g²", `${n(old, digits)} + ${n(g, digits)}²`, old + g * g);
}

function updateOfAdagrad(known, { epsilon }) {
  const { g, rate, line } = known;
  const sum = sumOfSquares(known);
  return line(
    "Δ = −η·g / √(n + ε)",
    `−${n(rate)} · ${n(g)} / √(${n(sum)} + ${exact(epsilon)})`,
    (-rate * g) / Math.sqrt(sum + epsilon),
  );
}

function updateOfAdadelta(known, { rho, epsilon }) {
  const { g, rate, before, line } = known;
  const mean = meanOfSquares(known, "accumulated_grad", "ρ", rho, "n");
  const changes = before("accumulated_delta_var");
  const change = line(
    "c = g·√(d + ε) / √(n + ε)",
    `${n(g)} · √(${n(changes)} + ${exact(epsilon)}) / √(${n(mean)} + ${exact(epsilon)})`,
    (g * Math.sqrt(changes + epsilon)) / Math.sqrt(mean + epsilon),
  );
  runningMean(known, "accumulated_delta_var", "d", "ρ", rho, "c²", change ** 2, `${n(change)}²`);
  return line("Δ = −η·c", `−${n(rate)} · ${n(change)}`, -rate * change);
}

/** Each step sets the weight anew, from sums over all steps: the digits matter. */
function updateOfFtrl(known, config) {
  const { w, g, rate, before, line } = known;
  const {
    l1_regularization_strength: l1,
    l2_regularization_strength: l2,
    l2_shrinkage_regularization_strength: shrinkage,
    beta,
  } = config;
  const power = -config.learning_rate_power;
  const [old, z] = [before("accumulator"), before("linear")];
  const sum = sumOfSquares(known, 7);
  const [from, to] = [old ** power, sum ** power];
  const shrunk = shrinkage ? ` + 2 · ${exact(shrinkage)} · ${n(w, 7)}` : "";
  const linear = line(
    `z ← z + g${shrinkage ? " + 2·λₛ·w" : ""} − (n'ᵖ − nᵖ) / η · w, p = ${exact(power)}`,
    `${n(z, 7)} + ${n(g, 7)}${shrunk} − (${n(to, 7)} − ${n(from, 7)}) / ${n(rate)} · ${n(w, 7)}`,
    z + g + 2 * shrinkage * w - ((to - from) / rate) * w,
  );
  const near = Math.min(Math.max(linear, -l1), l1);
  const below = `((${n(to, 7)} + ${exact(beta)}) / ${n(rate)} + 2 · ${exact(l2)})`;
  const fresh = line(
    "w ← (clip(z, −λ₁, λ₁) − z) / ((nᵖ + β) / η + 2·λ₂)",
    `(${n(near, 7)} − ${n(linear, 7)}) / ${below}`,
    (near - linear) / ((to + beta) / rate + 2 * l2),
  );
  return line("Δ = w − the old w", `${n(fresh, 7)} − ${n(w, 7)}`, fresh - w);
}

function updateOfLion(known, { beta_1: beta1, beta_2: beta2 }) {
  const { g, rate, before, line } = known;
  const old = before("momentum");
  const direction = line(
    "c = β₁·m + (1 − β₁)·g",
    `${exact(beta1)} · ${n(old)} + ${exact(1 - beta1)} · ${n(g)}`,
    beta1 * old + (1 - beta1) * g,
  );
  meanOfGradients(known, "momentum", "β₂", beta2);
  return line(
    "Δ = −η·sign(c)",
    `−${n(rate)} · sign(${n(direction)})`,
    -rate * Math.sign(direction),
  );
}
