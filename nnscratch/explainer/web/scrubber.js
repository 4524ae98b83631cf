// Step by step through both passes.

let timer = null;

function startScrubber() {
  const slider = byId("position");
  slider.max = sequence.length;
  slider.addEventListener("input", () => goTo(Number(slider.value)));
  byId("first").addEventListener("click", () => goTo(0));
  byId("previous").addEventListener("click", () => goTo(state.position - 1));
  byId("next").addEventListener("click", () => goTo(state.position + 1));
  byId("last").addEventListener("click", () => goTo(sequence.length));
  byId("play").addEventListener("click", togglePlaying);
  byId("speed").addEventListener("change", () => timer && startPlaying());
  byId("phase-forward").style.flexGrow = FORWARD_STEPS;
  byId("phase-backward").style.flexGrow = sequence.length - FORWARD_STEPS;
  onChange(["position", "broken"], drawScrubber);
  drawScrubber();
}

/** Go to a step; the panel shows its op, unless the reader looks at something else there. */
function goTo(position) {
  const next = Math.max(0, Math.min(sequence.length, position));
  if (next !== position || next === sequence.length) stopPlaying();
  const step = sequence[next - 1];
  change({ position: next });
  if (step && state.tab === "inspect") select("entry", step.entry);
}

function togglePlaying() {
  if (timer) stopPlaying();
  else startPlaying();
}

function startPlaying() {
  stopPlaying();
  if (state.position >= sequence.length) goTo(0);
  timer = setInterval(() => goTo(state.position + 1), Number(byId("speed").value));
  drawPlay(true);
}

function stopPlaying() {
  clearInterval(timer);
  timer = null;
  drawPlay(false);
}

function drawPlay(playing) {
  const button = byId("play");
  button.setAttribute("aria-label", playing ? "Pause" : "Play");
  button
    .querySelector("path")
    .setAttribute("d", playing ? "M3 2v12h4V2zM9 2v12h4V2z" : "M4 2v12l9-6z");
}

function drawScrubber() {
  const { position } = state;
  const step = sequence[position - 1];
  const slider = byId("position");
  if (Number(slider.value) !== position) slider.value = position;
  const words = [sentenceOf(position), wrongWords(position)].filter(Boolean).join(" ");
  slider.setAttribute("aria-valuetext", words);
  byId("sentence").textContent = words;
  byId("counter").textContent = `${position} / ${sequence.length}`;
  byId("phase-forward").classList.toggle("now", step?.phase === "forward");
  byId("phase-backward").classList.toggle("now", step?.phase === "backward");
  byId("first").disabled = byId("previous").disabled = position === 0;
  byId("last").disabled = byId("next").disabled = position === sequence.length;
}
