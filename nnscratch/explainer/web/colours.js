// Colours of numbers: one hue below zero, another above, paper at zero.

const POLES = {
  light: {
    zero: [246, 246, 244],
    below: [74, 138, 205],
    above: [226, 133, 58],
    odd: [162, 20, 140],
  },
  dark: { zero: [42, 48, 56], below: [86, 150, 226], above: [222, 130, 58], odd: [240, 120, 230] },
};

let theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";

function isDark() {
  return theme === "dark";
}

const SHADES = 200; // on each side of zero
const shades = new Map(); // by theme and shade: many thousand cells have few colours

/** The colour of a number whose scale ends at `largest`, and that of text on it. */
function colourOf(number, largest) {
  const far = largest > 0 ? Math.min(1, Math.abs(number) / largest) ** 0.75 : 0;
  const shade = Number.isFinite(number) ? Math.round(SHADES * far) * (number < 0 ? -1 : 1) : NaN;
  const key = `${isDark()} ${shade}`;
  if (!shades.has(key)) shades.set(key, mixed(isDark() ? POLES.dark : POLES.light, shade));
  return shades.get(key);
}

function mixed(poles, shade) {
  const pole = shade < 0 ? poles.below : poles.above;
  const far = Math.abs(shade) / SHADES;
  const rgb = Number.isNaN(shade)
    ? poles.odd
    : poles.zero.map((zero, channel) => Math.round(zero + far * (pole[channel] - zero)));
  // WCAG's relative luminance; at 0.179 black and white stand out equally well.
  const [red, green, blue] = rgb.map((channel) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return { fill: `rgb(${rgb.join(",")})`, text: luminance > 0.179 ? "#000" : "#fff" };
}

/** The borders of elements that meet, as in the style sheet. */
function markColours() {
  return isDark()
    ? { pointed: "#e9ebee", "row-mark": "#4fc4b6", "column-mark": "#dd93e6" }
    : { pointed: "#1c2128", "row-mark": "#0b6b63", "column-mark": "#86308f" };
}

/** Colours of curves, with a pattern of dashes each, so that colour is not all that tells them. */
const CURVES = [
  { colour: "light-dark(#0b6b63, #4fc4b6)", dashes: "" },
  { colour: "light-dark(#86308f, #dd93e6)", dashes: "7 3" },
  { colour: "light-dark(#b04a0c, #fb9646)", dashes: "2 3" },
  { colour: "light-dark(#2b6cb0, #60a5fa)", dashes: "9 3 2 3" },
  { colour: "light-dark(#5d6b00, #c3cf5a)", dashes: "4 4" },
  { colour: "light-dark(#57606a, #a5aebb)", dashes: "12 4" },
];

/** Colour and dashes of the n-th curve; no two of the first 36 have both in common. */
function curveStyle(place) {
  const round = Math.floor(place / CURVES.length);
  return {
    colour: CURVES[place % CURVES.length].colour,
    dashes: CURVES[(place + round) % CURVES.length].dashes,
  };
}

function setTheme(chosen) {
  theme = chosen;
  document.documentElement.dataset.theme = theme;
  const other = theme === "dark" ? "Light" : "Dark";
  byId("theme").textContent = other;
  byId("theme").setAttribute("aria-label", `${other} theme`);
}

function startTheme() {
  setTheme(theme);
  byId("theme").addEventListener("click", () => {
    setTheme(isDark() ? "light" : "dark");
    drawPanel(); // canvases hold colours of their own
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
    setTheme(event.matches ? "dark" : "light");
    drawPanel();
  });
}
