// Formulas. They are the only markup in a document, so only known MathML is taken out of it.

const MATHML = "http://www.w3.org/1998/Math/MathML";
const MATH_ELEMENTS = new Set(
  (
    "math mrow mi mo mn mtext mspace msub msup msubsup mfrac msqrt mroot mover munder munderover " +
    "mtable mtr mtd mstyle mpadded mphantom"
  ).split(" "),
);
const MATH_ATTRIBUTES = new Set(
  (
    "accent accentunder columnalign columnlines columnspacing depth display displaystyle fence form " +
    "height largeop linethickness lspace mathvariant maxsize minsize movablelimits rowspacing " +
    "rspace scriptlevel separator stretchy symmetric width"
  ).split(" "),
);

/** A formula as elements of this page; null if there is anything in it but plain MathML. */
function mathOf(text) {
  if (!text) return null;
  const parsed = new DOMParser().parseFromString(text, "application/xml");
  return copyOfMath(parsed.documentElement);
}

function copyOfMath(source) {
  if (source.namespaceURI !== MATHML || !MATH_ELEMENTS.has(source.localName)) return null;
  const copy = document.createElementNS(MATHML, source.localName);
  for (const { name, value } of source.attributes) {
    if (name === "xmlns") continue;
    if (!MATH_ATTRIBUTES.has(name)) return null;
    copy.setAttribute(name, value);
  }
  for (const child of source.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) {
      copy.append(child.data);
      continue;
    }
    const inner = child.nodeType === Node.ELEMENT_NODE ? copyOfMath(child) : null;
    if (inner === null) return null;
    copy.append(inner);
  }
  return copy;
}

/** A formula in its frame, or nothing. */
function formula(text, label) {
  const math = mathOf(text);
  if (!math) return null;
  // One that is wider than the panel scrolls, which the keyboard must be able to do too.
  return html("div", { class: "formula", role: "group", "aria-label": label, tabindex: 0 }, math);
}
