// Making elements. Text goes in as text nodes only, so nothing in a document is ever markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with attributes, listeners (`onclick: f`) and children (elements or text). */
function html(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
function svg(tag, attributes = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), attributes, children);
}

function dress(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

function byId(id) {
  return document.getElementById(id);
}

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

/** Put the focus back on the button that was pressed, after what holds it was drawn anew. */
function keepingFocus(root, draw) {
  const focused = root.contains(document.activeElement) ? document.activeElement : null;
  const key = focused && nameForFocus(focused);
  const scrolled = root.scrollTop;
  draw();
  root.scrollTop = scrolled;
  if (!key) return;
  const again = [...root.querySelectorAll("button, input, select, summary, [tabindex]")];
  again.find((candidate) => nameForFocus(candidate) === key)?.focus({ preventScroll: true });
}

function nameForFocus(element) {
  return `${element.tagName} ${element.getAttribute("aria-label") ?? element.textContent}`;
}
