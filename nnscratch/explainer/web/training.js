// The recorded steps of a training: a slider over them, a weight's way, norms by layer.

const training = { parameter: 0, what: "values", norm: "gradient", index: [], refresh: null };

function startTraining() {
  if (!tape.run) return;
  const moved = tape.run.parameters.findIndex((parameter) => parameter.trainable);
  chooseParameter(Math.max(0, moved));
  onChange(
    ["step"],
    soon(() => state.tab === "training" && training.refresh()),
  );
  onChange(["selected"], () => {
    if (state.selected?.kind !== "entry") return;
    const own = tape.run.parameters.findIndex(({ entry }) => entry === state.selected.id);
    if (own >= 0 && own !== training.parameter) chooseParameter(own);
  });
}

function chooseParameter(place) {
  training.parameter = place;
  training.what = "values";
  training.index = (tape.run.parameters[place]?.values.find(Boolean)?.shape ?? []).map(() => 0);
}

function goToStep(step) {
  change({ step: Math.max(0, Math.min(tape.run.steps - 1, step)) });
}

function drawTraining() {
  const { run } = tape;
  const slider = html("input", {
    type: "range",
    min: 0,
    max: run.steps - 1,
    value: state.step,
    "aria-label": "Training step",
    oninput: () => goToStep(Number(slider.value)),
  });
  const counter = html("span", { class: "counter", role: "status" });
  const losses = html("div");
  const weight = html("section", { class: "part", "aria-label": "One weight" });
  const norms = html("section", { class: "part", "aria-label": "Norms by layer" });
  training.refresh = () => {
    slider.value = state.step;
    const words = `step ${state.step + 1} of ${run.steps}, loss ${formatNumber(run.losses[state.step])}`;
    slider.setAttribute("aria-valuetext", words);
    counter.textContent = words;
    losses.replaceChildren(lossChart(run));
    keepingFocus(weight, () => weight.replaceChildren(...weightParts(run)));
    keepingFocus(norms, () => norms.replaceChildren(...normParts(run)));
  };
  training.refresh();
  const by = (step, words, sign) =>
    html(
      "button",
      { type: "button", "aria-label": words, onclick: () => goToStep(state.step + step) },
      sign,
    );
  return [
    html("h2", {}, "Training, step by step"),
    html("p", {}, runWords(run)),
    run.firstNotFinite ? html("p", { class: "notice bad" }, run.firstNotFinite.text) : null,
    html(
      "div",
      {},
      html(
        "div",
        { class: "steps-slider" },
        by(-1, "One training step back", "−"),
        slider,
        by(1, "One training step on", "+"),
      ),
      counter,
    ),
    losses,
    weight,
    norms,
  ];
}

function runWords(run) {
  const { losses, steps } = run;
  const optimizer = optimizerName(optimizerAt(run, 0));
  const settings = settingsOf(run);
  const name = optimizer ? ` with ${optimizer} (${settings.join(", ")})` : "";
  return `${plural(steps, "step")}${name}. The loss went from ${formatNumber(losses[0])} to ${formatNumber(losses[losses.length - 1])}. The graph shows the last step.`;
}

/** The constants of the optimizer that have a part in its steps. */
function settingsOf(run) {
  if (!optimizerAt(run, 0)) return [];
  const { settings, schedule } = optimizerAt(run, 0);
  const kind = schedule ? ` at first, by ${schedule.class_name.split(".").pop()}` : "";
  const others = Object.entries(settings)
    .filter(([name, value]) => value && (settings.use_ema || !name.startsWith("ema_")))
    .map(([name, value]) => (value === true ? name : `${name} ${formatNumber(value)}`));
  return [`learning_rate ${formatNumber(run.learningRates[0])}${kind}`, ...others];
}

function lossChart(run) {
  return html(
    "div",
    {},
    html("h4", {}, "Loss"),
    lineChart({
      label: "Loss by step",
      series: [{ name: "loss", values: run.losses }],
      marker: state.step,
      choose: goToStep,
    }),
  );
}

// --- one weight -----------------------------------------------------------------------------------

function weightParts(run) {
  const parameter = run.parameters[training.parameter];
  if (!parameter) return [html("p", { class: "quietly" }, "The model has no weights.")];
  const choices = kindsOfArrays(parameter);
  const array = choices.find(([key]) => key === training.what)[2][state.step];
  return [
    html("h3", {}, "Why did this weight move?"),
    parameterSelect(run),
    segments(
      "What to show",
      choices.map(([key, text]) => [key, text]),
      training.what,
      (key) => {
        training.what = key;
        training.refresh();
      },
    ),
    array
      ? weightMatrix(parameter, array)
      : html("p", { class: "quietly" }, "There is none at this step."),
    moveWords(run, parameter, state.step, training.index),
    weightCurves(parameter, choices),
  ];
}

/** [key, text, arrays of all steps] of everything that is known of a parameter. */
function kindsOfArrays(parameter) {
  return [
    ["values", "value", parameter.values],
    ["gradients", "gradient", parameter.gradients],
    ...Object.entries(parameter.slots).map(([name, arrays]) => [
      `slot ${name}`,
      name.replaceAll("_", " "),
      arrays,
    ]),
    ["updates", "update", parameter.updates],
  ];
}

/** Running means of a normalisation are not trained, but they change without a gradient. */
function untrainedMark({ updates, gradients }) {
  const changes = updates.some((update, step) => update?.norm && !gradients[step]);
  return changes ? " (not trained)" : " (frozen)";
}

function parameterSelect(run) {
  const options = run.parameters.map(({ layer, name, trainable }, place) =>
    html(
      "option",
      { value: place, selected: place === training.parameter },
      `${shortName(layer)} · ${shortName(name)}${trainable ? "" : untrainedMark(run.parameters[place])}`,
    ),
  );
  const chosen = html(
    "select",
    {
      "aria-label": "Which parameter",
      onchange: () => {
        chooseParameter(Number(chosen.value));
        training.refresh();
      },
    },
    options,
  );
  return html("div", {}, chosen);
}

function weightMatrix(parameter, array) {
  const point = (index) => {
    training.index = index;
    training.refresh();
  };
  const map = matrix(array, {
    label: `${parameter.layer} · ${parameter.name}, step ${state.step + 1}`,
    choose: point,
  });
  map.show(training.index);
  return map.root;
}

function weightCurves(parameter, choices) {
  return html(
    "div",
    { class: "charts" },
    choices.map(([, text, arrays], place) => {
      const values = arrays.map((array) =>
        array ? (numberAt(array, training.index) ?? null) : null,
      );
      return html(
        "div",
        {},
        html("h4", {}, text),
        lineChart({
          label: `${text} of ${parameter.name} ${formatIndex(training.index)}`,
          series: [{ name: text, values, style: curveStyle(place) }],
          marker: state.step,
          choose: goToStep,
          small: true,
        }),
      );
    }),
  );
}

// --- norms by layer -------------------------------------------------------------------------------

const NORMS = [
  ["value", "values"],
  ["gradient", "gradients"],
  ["update", "updates"],
];

function normParts(run) {
  const norms = run.norms[training.norm] ?? {};
  const layers = run.layers.filter((layer) => norms[layer]);
  const series = layers.map((layer) => ({ name: layer, values: norms[layer] }));
  return [
    html("h3", {}, "Norms by layer"),
    segments("Norms of", NORMS, training.norm, (key) => {
      training.norm = key;
      training.refresh();
    }),
    lineChart({
      label: `Norms of ${training.norm}s by layer`,
      series,
      log: true,
      marker: state.step,
      choose: goToStep,
    }),
    html("div", { class: "bars norms" }, normBars(run, layers, norms)),
    html(
      "p",
      { class: "quietly" },
      "Logarithmic scale. Where norms shrink from layer to layer towards the input, the gradient vanishes.",
    ),
  ];
}

function normBars(run, layers, norms) {
  const now = layers.map((layer) => Number(norms[layer][state.step] ?? NaN));
  const logs = now.filter((norm) => norm > 0 && Number.isFinite(norm)).map(Math.log10);
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  return layers.flatMap((layer, place) => {
    const norm = now[place];
    const bar = html("span");
    bar.style.background = curveStyle(place).colour;
    const far = high > low ? (Math.log10(norm) - low) / (high - low) : 1;
    bar.style.width = norm > 0 ? `${6 + 94 * Math.min(1, far)}%` : "0";
    return [
      html("span", { class: "row name" }, sampleOf(curveStyle(place)), shortName(layer)),
      html("span", { class: "track-of-bar", "aria-hidden": "true" }, bar),
      html(
        "span",
        { class: "number" },
        isFrozen(run, layer) ? `${formatNumber(norm, 3)} frozen` : formatNumber(norm, 3),
      ),
    ];
  });
}

function isFrozen(run, layer) {
  const own = run.parameters.filter((parameter) => parameter.layer === layer);
  return own.length > 0 && own.every((parameter) => !parameter.trainable);
}
