// The program that does what one sees.

import { byId } from "./dom.js";

let latest = "";

export function startProgram() {
  byId("copy").addEventListener("click", copy);
}

/** While training runs the text stands still, so that it can be read and selected. */
export function drawProgram(picture) {
  latest = picture.program;
  if (!picture.running) show();
}

function show() {
  if (byId("program").textContent === latest) return;
  byId("program").textContent = latest;
  byId("copied").textContent = "";
}

async function copy() {
  show();
  try {
    await navigator.clipboard.writeText(latest);
    byId("copied").textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(byId("program"));
    byId("copied").textContent = "Selected: press Ctrl+C (⌘C) to copy.";
  }
}
