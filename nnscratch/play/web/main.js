// The page's beginning: what is pressed goes to the server, what it sends is drawn.

import { startTheme } from "./colours.js";
import { ask, connect } from "./connection.js";
import { change, drawPreviews, restoreChoices, showChoices, startControls } from "./controls.js";
import { byId, html } from "./dom.js";
import { HINTS } from "./hints.js";
import { drawLosses, startLosses } from "./losses.js";
import { drawNetwork, makeNetwork, showGradients, startNetwork } from "./network.js";
import { drawNumbers, nameMetric, startNumbers } from "./numbers.js";
import { describePlane, drawPlane, drawPointKeys, setPoints, showUnit, startPlane } from "./plane.js";
import { drawProgram, startProgram } from "./program.js";

const RUN = "M4 2v12l9-6z";
const PAUSE = "M3 2h4v12H3zM9 2h4v12H9z";

let started = null; // what `draw` has to begin anew with
let picture = null;
let due = false;
let hint = 0;

function showNotice(text) {
  byId("notice").textContent = text ?? "";
  byId("notice").hidden = !text;
}

/** Draw the latest picture, and tell the server that it may send another. */
function draw() {
  due = false;
  if (started) {
    showNotice(null);
    showChoices(started.choices);
    nameMetric(started);
    setPoints(started);
    makeNetwork(started, picture);
    started = null;
  }
  drawNetwork(picture);
  drawPlane();
  drawLosses(picture.curve);
  drawNumbers(picture);
  drawProgram(picture);
  if (!picture.running) describePlane(picture);
  byId("run-word").textContent = picture.running ? "Pause" : "Run";
  byId("run-sign").setAttribute("d", picture.running ? PAUSE : RUN);
  if (picture.stopped) showNotice(`${picture.stopped} A smaller learning rate may help.`);
  ask("drawn");
}

function showHint() {
  byId("hint-text").textContent = HINTS[hint].text;
}

function startButtons() {
  byId("run").onclick = () => ask(picture?.running ? "pause" : "run");
  byId("step").onclick = () => ask("step");
  byId("epoch").onclick = () => ask("epoch");
  byId("reset").onclick = () => ask("reset");
  byId("speed").onchange = () => ask("speed", { steps: Number(byId("speed").value) });
  byId("hint-try").onclick = () => {
    change(HINTS[hint].changes);
    showGradients(Boolean(HINTS[hint].gradients));
  };
  byId("hint-next").onclick = () => {
    hint = (hint + 1) % HINTS.length;
    showHint();
  };
}

/** On a narrow screen the choices open and close; on a wide one they are always there. */
function startChoicesPart() {
  const narrow = matchMedia("(max-width: 860px)");
  const fit = () => {
    byId("choices").open = !narrow.matches;
    byId("choices").querySelector("summary").tabIndex = narrow.matches ? 0 : -1;
  };
  narrow.addEventListener("change", fit);
  fit();
}

function fillSpeeds(speeds) {
  const words = (speed) => (speed === 0 ? "full" : `${speed} a second`);
  byId("speed").replaceChildren(...speeds.map((speed) => html("option", { value: speed }, words(speed))));
  byId("speed").value = 0;
}

const listeners = {
  hello({ options }) {
    fillSpeeds(options.speeds);
    startControls(options);
  },
  start(message) {
    started = message;
    listeners.picture(message.picture);
  },
  picture(message) {
    picture = message;
    if (!due) requestAnimationFrame(draw);
    due = true;
  },
  error({ text }) {
    showNotice(text);
    restoreChoices();
  },
  ended() {
    showNotice("The server has ended. Start `nnscratch play` again; if it still runs, reload this page.");
    for (const control of document.querySelectorAll("main button, main input, main select, .transport button, .transport select, #hint-try")) control.disabled = true;
  },
};

startChoicesPart();
startNetwork(showUnit);
startPlane();
startLosses();
startProgram();
startNumbers(() => picture);
startButtons();
showHint();
drawPointKeys();
startTheme(byId("theme"), () => {
  drawPreviews();
  drawPointKeys();
  if (picture) draw();
});
connect(listeners);
