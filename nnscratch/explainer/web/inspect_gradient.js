// The gradient of an entry: where it came from, and what its op sends on.

function gradientPart(entry, pointing) {
  if (brokenGradient(entry.id)) return wrongGradientPart(entry);
  if (!entry.gradient)
    return part("Gradient", html("p", { class: "quietly" }, noGradientWords(entry)));
  const map = matrix(entry.gradient, {
    label: `Gradient of ${entry.label}`,
    caption: `∂ loss / ∂ ${entry.label}`,
    ...pointing.options,
  });
  pointing.follow(map);
  const arrived = arrivedPart(entry, pointing);
  return part("Gradient", map.root, arrived, statistics(entry.gradient));
}

function noGradientWords(entry) {
  if (entry.trainable === false)
    return "Frozen (trainable = False): no gradient is computed for it, and no update is made.";
  if (entry.kind === "input")
    return "An input is given, not learned: no gradient is computed for it.";
  if (entry.kind === "constant") return "A constant: no gradient is computed for it.";
  return "No gradient of the loss flows here.";
}

/** From whom the gradient came; several shares are added up. */
function arrivedPart(entry, pointing) {
  const edges = contributionsTo(entry.id);
  if (entry.id === tape.loss)
    return html(
      "p",
      { class: "quietly" },
      "The walk begins here: the derivative of the loss by itself is 1.",
    );
  if (!edges.length) return null;
  if (edges.length === 1) {
    const [edge] = edges;
    return html(
      "p",
      { class: "row quietly" },
      "All of it came from",
      pair(edge.target, edge, `Edge to ${nameOf(edge.target)}`),
    );
  }
  const line = html("div", {});
  pointing.follow({
    show(index) {
      const shown = edges.slice(0, edges.length > MOST_TERMS + 1 ? MOST_TERMS : edges.length);
      const terms = shown.flatMap((edge, place) => [
        ...(place ? [" + "] : []),
        { number: numberAt(edge.contribution, index), of: place % 2 },
      ]);
      if (shown.length < edges.length) terms.push(` + … (${edges.length - shown.length} more)`);
      line.replaceChildren(
        equation([...terms, " = ", { number: numberAt(entry.gradient, index), of: "result" }]),
      );
    },
  });
  return html(
    "div",
    { class: "arrived", "data-label": "Sum of contributions" },
    html(
      "p",
      {},
      `${edges.length} shares arrived, one for each use, and were added (the chain rule for several paths):`,
    ),
    line,
    sizeOf(entry.value.shape) > 1 ? sumOfMatrices(entry, edges, pointing) : null,
  );
}

function sumOfMatrices(entry, edges, pointing) {
  const shown = edges.slice(0, 6);
  const largest = largestIn(entry.gradient, ...shown.map((edge) => edge.contribution));
  const items = shown.flatMap((edge, place) => {
    const map = matrix(edge.contribution, {
      label: `from ${nameOf(edge.target)}`,
      small: true,
      largest,
      ...pointing.options,
    });
    pointing.follow(map);
    return [...(place ? [html("span", { class: "sign" }, "+")] : []), map.root];
  });
  if (edges.length > shown.length)
    items.push(html("span", { class: "sign" }, `+ ${edges.length - shown.length} more`));
  const total = matrix(entry.gradient, { label: "together", small: true, largest });
  pointing.follow(total);
  return html(
    "div",
    { class: "matrices" },
    items,
    html("span", { class: "sign" }, "="),
    total.root,
  );
}

/** The results of an op beyond its first, each with its gradient. */
function laterResults({ results = [] }) {
  return results.slice(1).map(({ value, gradient }, place) => {
    const maps = [
      [`Result ${place + 2}`, value],
      [`Gradient of result ${place + 2}`, gradient],
    ].filter(([, array]) => array);
    return part(
      `Result ${place + 2}`,
      html(
        "div",
        { class: "matrices" },
        maps.map(([label, array]) => shownSmall(array, label)),
      ),
    );
  });
}

// --- what an op sends back ------------------------------------------------------------------------

let sentArgument = 0;

function sentPart(entry) {
  const edges = inputsOf(entry.id).filter((edge) => edge.contribution);
  if (!edges.length) return null;
  const chosen = edges.find((edge) => edge.argument === sentArgument) ?? edges[0];
  const choose = (argument) => {
    sentArgument = argument;
    drawPanel();
  };
  const names = edges.map((edge) => {
    const twice = edges.some(
      (other) => other !== edge && nameOf(other.source) === nameOf(edge.source),
    );
    return [
      edge.argument,
      `to ${nameOf(edge.source)}${twice ? `, argument ${edge.argument + 1}` : ""}`,
    ];
  });
  return part(
    "What it sends back",
    formula(opOf(entry).derivative, "Gradient rule"),
    edges.length > 1 ? segments("Which argument", names, chosen.argument, choose) : null,
    wrongContribution(chosen),
    contributionParts(chosen, new Pointing(chosen.contribution.shape)),
  );
}

/** A contribution as a matrix, with the numbers of the element pointed at. */
function contributionParts(edge, pointing, start = edge.contribution.shape.map(() => 0)) {
  let kept = start;
  const follow = {
    choose: (index) => {
      kept = index;
      pointing.point(index);
    },
    hover: (index) => pointing.point(index ?? kept),
  };
  const name = nameOf(edge.source);
  const map = matrix(edge.contribution, { label: `Sent to ${name}`, ...follow });
  const worked = workedOut("How it came about:", arraysOfContribution(edge), (index) =>
    explainContribution(edge, index),
  );
  pointing.follow(map, worked);
  pointing.point(kept);
  return html("div", {}, map.root, worked.root);
}
