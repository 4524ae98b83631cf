// The backward pass as a Python program.

let programUrl = null; // made when it is first shown

function drawProgram() {
  const heading = html("h2", {}, "The backward pass as a program");
  if (isRemark(tape.program)) {
    return [heading, html("p", {}, tape.program.replace(/^# ?/gm, ""))];
  }
  const answer = html("span", { class: "quietly", role: "status" });
  const code = html("code", {}, tape.program);
  const download = html("a", { class: "button", download: "backward.py" }, "Download backward.py");
  programUrl ??= URL.createObjectURL(new Blob([tape.program], { type: "text/x-python" }));
  download.href = programUrl;
  return [
    heading,
    html(
      "p",
      {},
      "Written from your tape in plain NumPy: it runs as it is and computes the same gradients.",
    ),
    html(
      "div",
      { class: "row" },
      html("button", { type: "button", onclick: () => copyProgram(code, answer) }, "Copy"),
      download,
      answer,
    ),
    html("pre", { tabindex: 0, "aria-label": "Source text" }, code),
  ];
}

/** Why there is no program stands in its place, as a comment. */
function isRemark(program) {
  return program
    .trim()
    .split("\n")
    .every((line) => line.startsWith("#"));
}

async function copyProgram(code, answer) {
  try {
    await navigator.clipboard.writeText(tape.program);
    answer.textContent = "Copied.";
  } catch {
    // A frame in a notebook may not write to the clipboard; the reader can.
    getSelection().selectAllChildren(code);
    answer.textContent = "Selected: press Ctrl+C (⌘C) to copy.";
  }
}
