// What happens around an optimizer's own formula: to a gradient before it, to a weight after it.

/**
 * The update of one element in a step: {lines, notes, update}; null for an unknown optimizer.
 *
 * In the order of nnscratch.optimizers: gradients are accumulated and clipped, the weight decays,
 * the optimizer's update, the moving average, the constraint.
 */
function workOut(run, parameter, step, known) {
  const made = optimizerAt(run, step);
  const optimizer = OPTIMIZERS[optimizerName(made)];
  if (!optimizer || known.gradient === undefined) return null;
  const work = {
    run,
    parameter,
    step,
    known,
    config: made.settings,
    lines: [],
    notes: [],
  };
  work.line = (name, terms, result) => {
    work.lines.push({ name, terms, result });
    return result;
  };
  const gradient = preparedGradient(work);
  let w = known.value;
  if (gradient !== null) w = updated(work, optimizer, gradient);
  w = averaged(work, w);
  w = constrained(work, w);
  const update = w - known.value;
  return { lines: work.lines, notes: [...work.notes, ...otherNotes(update, known)], update };
}

/** The gradient as the optimizer's formula gets it; null while gradients are only added up. */
function preparedGradient({ run, parameter, step, known, config, line, notes }) {
  let g = known.gradient;
  if (config.loss_scale_factor) {
    notes.push(
      `The loss was multiplied by ${exact(config.loss_scale_factor)} for the backward pass, and the ` +
        `gradient divided by it again: it is shown without that factor.`,
    );
  }
  const every = config.gradient_accumulation_steps;
  if (every) {
    const place = (run.calls[step] % every) + 1;
    const old = known.before("gradient_accumulator");
    g = line("s ← s + g", `${n(old)} + ${n(g)}`, old + g);
    if (place < every) {
      notes.push(`Gradient ${place} of ${every} is only added up: the weight waits for the last.`);
      return null;
    }
    g = line(`g = s / ${every}`, `${n(g)} / ${every}`, g / every);
  }
  return clipped(g, config, parameter.clippedNorms[step], line, notes);
}

function clipped(g, config, norm, line, notes) {
  const limit = config.clipnorm ?? config.global_clipnorm ?? config.clipvalue;
  if (!limit) return g;
  if (config.clipvalue) {
    if (Math.abs(g) <= limit) return g;
    const cut = Math.sign(g) * limit;
    return line("g ← clip(g, −c, c)", `max(−${exact(limit)}, min(${n(g)}, ${exact(limit)}))`, cut);
  }
  const length = Number(norm); // what is not finite comes as text
  const whose = config.clipnorm ? "its array's gradient" : "all gradients together";
  if (length <= limit) {
    notes.push(`The norm of ${whose} is ${n(length)}, within ${exact(limit)}: nothing is clipped.`);
    return g;
  }
  const cut = config.global_clipnorm && !Number.isFinite(length) ? NaN : (g * limit) / length;
  return line(`g ← g·c / ‖${whose}‖`, `${n(g)} · ${exact(limit)} / ${n(length)}`, cut);
}

function updated({ run, parameter, step, known, config, line, notes }, optimizer, g) {
  const rate = rateOf(run, parameter, step, line);
  let w = known.value;
  if (config.weight_decay && parameter.decays[step]) {
    w += line(
      "weight decay: −η·λ·w",
      `−${n(rate)} · ${exact(config.weight_decay)} · ${n(w)}`,
      -rate * config.weight_decay * w,
    );
  }
  const time = run.iterations[step] + 1;
  const change = optimizer.update({ w, g, rate, time, before: known.before, line }, config);
  if (optimizer.note) notes.push(optimizer.note);
  if (optimizer.scales && change && Number.isFinite(change) && rate) {
    notes.push(
      `That is ${formatNumber(Math.abs(change) / rate, 3)} times the learning rate: dividing by ` +
        `${optimizer.scales} leaves little of the gradient's own scale.`,
    );
  }
  return w + change;
}

/** The learning rate of a parameter in a step. */
function rateOf(run, parameter, step, line) {
  const rate = Number(run.learningRates[step]);
  const scheduled = scheduledRate(run, step);
  if (scheduled) line(`η = ${scheduled.law}, t = ${run.calls[step]}`, scheduled.terms, rate);
  const multiplier = parameter.multipliers[step];
  if (multiplier === 1) return rate;
  return line("η ← η · its own multiplier", `${n(rate)} · ${exact(multiplier)}`, rate * multiplier);
}

/** The moving average of the weights, which takes their place now and then. */
function averaged({ run, step, known, config, line, notes }, w) {
  if (!config.use_ema) return w;
  const iterations = run.iterations[step];
  const momentum = iterations ? config.ema_momentum : 0; // the first one is the weight itself
  const old = known.before("average") ?? known.value;
  const average = line(
    "a ← γ·a + (1 − γ)·w",
    `${exact(momentum)} · ${n(old, 7)} + ${exact(1 - momentum)} · ${n(w, 7)}`,
    momentum * old + (1 - momentum) * w,
  );
  const every = config.ema_overwrite_frequency;
  if (!every || (iterations + 1) % every !== 0) return w;
  notes.push(`After every ${plural(every, "update")} the average a takes the weight's place.`);
  return average;
}

/** A constraint looks at whole arrays, so what it did is read from the record. */
function constrained({ parameter, known, notes }, w) {
  if (!parameter.constraint) return w;
  const after = known.value + known.update;
  if (Math.abs(after - w) > 1e-6 * Math.abs(w))
    notes.push(
      `The constraint ${parameter.constraint} took it from ${formatNumber(w)} to ${formatNumber(after)}.`,
    );
  return after;
}

/** Where the recorded update is another one, something that is not seen here had a part in it. */
function otherNotes(computed, { value, update }) {
  const rounding = 2.5e-7 * (Math.abs(value) + Math.abs(value + update)); // of float32
  if (Math.abs(computed - update) <= 2e-3 * Math.abs(update) + rounding) return [];
  if (Number.isNaN(computed) && Number.isNaN(update)) return [];
  return [
    `The update as recorded is ${formatNumber(update)}, not ${formatNumber(computed)}: a train_step ` +
      `of your own, or a constant that was changed meanwhile, had a part in it.`,
  ];
}
