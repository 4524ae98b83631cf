// The page's beginning.

function drawHead() {
  byId("title").textContent = tape.title;
  const loss = tape.entries[tape.loss];
  const parameters = tape.entries.filter((entry) => entry.kind === "parameter").length;
  const words = [
    `${loss.label === loss.op ? "loss" : nameOf(tape.loss)} = ${shortShape(loss.value)}`,
    plural(tape.forward.length, "op"),
    parameters && plural(parameters, "parameter"),
    tape.run && plural(tape.run.steps, "training step"),
  ];
  byId("summary").textContent = words.filter(Boolean).join(" · ");
}

/** What was left out, and the first NaN, where everyone sees it. */
function drawNotices() {
  if (tape.leftOut) byId("notices").append(html("p", { class: "notice" }, tape.leftOut));
  if (!firstOdd) return;
  const [label, layer] = [nameOf(firstOdd.entry), layerOf(firstOdd.entry)];
  const show = () => {
    goTo(firstOdd.position);
    showEntry(firstOdd.entry);
  };
  byId("notices").append(
    html(
      "p",
      { class: "notice bad" },
      `The first ${firstOdd.what} that is not finite (NaN or ∞) is in ${label}${layer ? `, layer ${layer}` : ""}.`,
      html("button", { type: "button", onclick: show }, "Show it"),
    ),
  );
}

startTheme(byId("theme"), drawPanel); // canvases hold colours of their own
drawHead();
drawNotices();
makeGroups();
startGraph();
startViewport();
startKeyboard();
startTraining();
startPanel();
startBreaks();
startScrubber();
