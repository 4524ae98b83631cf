// What the panel is made of.

/** Buttons of which one is chosen. `choices` are [key, text] pairs. */
function segments(label, choices, chosen, choose) {
  return html(
    "div",
    { class: "segments", role: "group", "aria-label": label },
    choices.map(([key, text]) =>
      html(
        "button",
        { type: "button", "aria-pressed": String(key === chosen), onclick: () => choose(key) },
        text,
      ),
    ),
  );
}

/** A part of the panel with a heading. */
function part(title, ...children) {
  return html(
    "section",
    { class: "part", "aria-label": title },
    html("h3", {}, title),
    ...children,
  );
}

/** Put the focus back on what had it, or on the root, after what holds it was drawn anew. */
function keepingFocus(root, draw) {
  const focused = root.contains(document.activeElement) ? document.activeElement : null;
  const key = focused && nameForFocus(focused);
  const scrolled = root.scrollTop;
  draw();
  root.scrollTop = scrolled;
  if (!key) return;
  const again = [...root.querySelectorAll("button, input, select, summary, [tabindex]")];
  const found = again.find((candidate) => nameForFocus(candidate) === key);
  (found ?? root).focus({ preventScroll: true });
}

function nameForFocus(element) {
  const name = element.id || (element.getAttribute("aria-label") ?? element.textContent);
  return `${element.tagName} ${name}`;
}
