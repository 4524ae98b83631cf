// Right beside wrong in the panel, while a mistake is switched on.

/** Two arrays that should be the same: how large they are, and the same part of both. */
function comparison(right, wrong, error = null) {
  const shown = right && wrong && sameIndex(right.shape, wrong.shape) ? cutTo(right, wrong) : right;
  const largest = largestIn(shown, wrong);
  const maps = [
    ["right", shown],
    ["wrong", wrong],
  ].filter(([, array]) => array);
  return html(
    "div",
    {},
    html("p", { class: "equation" }, rightAndWrong(right, wrong)),
    error ? html("p", { class: "chip bad" }, `✗ ${error}`) : null,
    html(
      "div",
      { class: "matrices" },
      maps.map(([label, array]) => shownSmall(array, label, largest)),
    ),
  );
}

function comparedGradient(entry) {
  const { wrong, error } = brokenGradient(entry.id);
  return comparison(entry.gradient, wrong, error);
}

/** An entry's gradient, and the shares that it came from. */
function wrongGradientPart(entry) {
  const edges = contributionsTo(entry.id);
  const shares = edges.slice(0, MOST_NEIGHBOURS).map((edge) => shareItem(edge));
  return part(
    "Gradient, right and wrong",
    comparedGradient(entry),
    shares.length ? html("ul", { class: "shares", "aria-label": "Shares" }, shares) : null,
    edges.length > shares.length
      ? html("p", { class: "quietly" }, `and ${edges.length - shares.length} more`)
      : null,
  );
}

function shareItem(edge) {
  const wrong = brokenContribution(edge);
  const words = wrong
    ? rightAndWrong(edge.contribution, wrong)
    : `${amount(edge.contribution)}, as it should be`;
  return html(
    "li",
    {},
    pair(edge.target, edge, `Edge to ${nameOf(edge.target)}`),
    ` ${words}`,
    isLost(edge) ? html("p", { class: "chip bad" }, `✗ ${lostWords(edge)}`) : null,
  );
}

/** What goes wrong along an edge; null where nothing does. */
function wrongContribution(edge) {
  const wrong = brokenContribution(edge);
  if (!wrong && !isLost(edge)) return null;
  return html(
    "div",
    { class: "done-wrong", "data-label": "Done wrong" },
    html("h4", {}, `Done wrong: ${brokenNow().title}`),
    isLost(edge) ? html("p", { class: "chip bad" }, `✗ ${lostWords(edge)}`) : null,
    wrong ? comparison(edge.contribution, wrong) : null,
  );
}

/** What a mistake that changes the weights makes of a value. */
function wrongValue(entry) {
  const wrong = brokenValue(entry.id);
  if (!wrong) return null;
  return html(
    "div",
    { class: "done-wrong", "data-label": "Value, right and wrong" },
    html("h4", {}, `With the mistake: ${brokenNow().title}`),
    comparison(entry.value, wrong),
  );
}

/** What a step of the backward pass does with the mistake, in a sentence. */
function wrongWords(position) {
  const step = sequence[position - 1];
  if (!wrongNow() || step?.phase !== "backward") return "";
  const { entry } = step;
  const words = [];
  const { gradient } = tape.entries[entry];
  const broken = brokenGradient(entry);
  if (broken)
    words.push(`With the mistake it has ${amount(broken.wrong)}, not ${amount(gradient)}.`);
  for (const edge of inputsOf(entry)) if (isLost(edge)) words.push(lostWords(edge));
  return words.join(" ");
}
