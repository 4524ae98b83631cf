// The learning rate of a step by its schedule, in numbers; the formulas are nnscratch.schedules's.

/** {law, terms, rate} by the class of a schedule, from its configuration and the steps taken, t. */
const SCHEDULES = {
  ExponentialDecay(config, t) {
    const { initial_learning_rate: start, decay_rate: factor, staircase } = config;
    const decays = decaysIn(config, t);
    return {
      law: staircase ? "η₀·r^floor(t/T)" : "η₀·r^(t/T)",
      terms: `${exact(start)} · ${exact(factor)}^${decays.terms}`,
      rate: start * factor ** decays.number,
    };
  },
  InverseTimeDecay(config, t) {
    const { initial_learning_rate: start, decay_rate: factor, staircase } = config;
    const decays = decaysIn(config, t);
    return {
      law: staircase ? "η₀ / (1 + r·floor(t/T))" : "η₀ / (1 + r·t/T)",
      terms: `${exact(start)} / (1 + ${exact(factor)} · ${decays.terms})`,
      rate: start / (1 + factor * decays.number),
    };
  },
  PiecewiseConstantDecay({ boundaries, values }, t) {
    const before = boundaries.filter((boundary) => boundary < t).length;
    return {
      law: `piece ${before + 1} of ${values.length}`,
      terms: exact(values[before]),
      rate: values[before],
    };
  },
  PolynomialDecay(config, t) {
    const { initial_learning_rate: start, end_learning_rate: end, power, cycle } = config;
    const decays = t / config.decay_steps;
    const done = cycle ? decays / Math.max(1, Math.ceil(decays)) : Math.min(decays, 1);
    return {
      law: "(η₀ − end)·(1 − part of T)^power + end",
      terms: `(${exact(start)} − ${exact(end)}) · (1 − ${exact(done)})^${exact(power)} + ${exact(end)}`,
      rate: (start - end) * (1 - done) ** power + end,
    };
  },
  CosineDecay(config, t) {
    const { initial_learning_rate: start, warmup_target: target, warmup_steps: warmup } = config;
    if (target !== null && t < warmup) {
      return {
        law: "η₀ + (target − η₀)·t / warm-up",
        terms: `${exact(start)} + (${exact(target)} − ${exact(start)}) · ${t} / ${exact(warmup)}`,
        rate: start + ((target - start) * t) / warmup,
      };
    }
    const since = target === null ? t : t - warmup;
    return halfCosine(target ?? start, config.alpha, 1, Math.min(since / config.decay_steps, 1));
  },
  CosineDecayRestarts(config, t) {
    const decays = t / config.first_decay_steps;
    let [start, length, height] = [0, 1, 1];
    for (let cycle = 0; cycle < MOST_CYCLES && decays >= start + length; cycle++) {
      start += length;
      length *= config.t_mul;
      height *= config.m_mul;
    }
    const done = (decays - start) / length;
    return halfCosine(config.initial_learning_rate, config.alpha, height, done);
  },
};

const MOST_CYCLES = 10_000; // what restarts more often than that is not worked out

function decaysIn({ decay_steps: length, staircase }, t) {
  const number = t / length;
  const terms = `(${t} / ${exact(length)})`;
  return staircase ? { number: Math.floor(number), terms: `floor${terms}` } : { number, terms };
}

function halfCosine(peak, alpha, height, done) {
  const wave = `${exact(height)} · (1 + cos(π · ${exact(done)})) / 2`;
  return {
    law: "η₀·((1 − α)·m·(1 + cos(π·t/T)) / 2 + α)",
    terms: `${exact(peak)} · ((1 − ${exact(alpha)}) · ${wave} + ${exact(alpha)})`,
    rate: peak * (((1 - alpha) * height * (1 + Math.cos(Math.PI * done))) / 2 + alpha),
  };
}

/** How the learning rate of a step came about; null if no schedule known here gave it. */
function scheduledRate(run, step) {
  const { schedule } = optimizerAt(run, step);
  const maker = SCHEDULES[schedule?.class_name.split(".").pop()];
  if (!maker) return null;
  const made = maker(schedule.config, run.calls[step]);
  const rate = Number(run.learningRates[step]);
  return Math.abs(made.rate - rate) <= 1e-6 * Math.abs(rate) ? made : null;
}
