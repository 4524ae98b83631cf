// Colours of the cells of a matrix, and of text on them.

const SHADES = 200; // on each side of zero
const shades = new Map(); // by theme and shade: many thousand cells have few colours

/** The colour of a number whose scale ends at `largest`, and that of text on it. */
function colourOf(number, largest) {
  const far = largest > 0 ? Math.min(1, Math.abs(number) / largest) ** 0.75 : 0;
  const shade = Number.isFinite(number) ? Math.round(SHADES * far) * (number < 0 ? -1 : 1) : NaN;
  const key = `${isDark()} ${shade}`;
  if (!shades.has(key)) shades.set(key, withText((AREA * shade) / SHADES));
  return shades.get(key);
}

function withText(part) {
  // WCAG's relative luminance; at 0.179 black and white stand out equally well.
  const [red, green, blue] = channelsAt(part).map((channel) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return { fill: colourAt(part), text: luminance > 0.179 ? "#000" : "#fff" };
}

/** The borders of elements that meet, as in the style sheet. */
function markColours() {
  return isDark()
    ? { pointed: "#e9ebee", "row-mark": "#4fc4b6", "column-mark": "#dd93e6" }
    : { pointed: "#1c2128", "row-mark": "#0b6b63", "column-mark": "#86308f" };
}
