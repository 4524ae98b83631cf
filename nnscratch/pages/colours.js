// Light and dark, and the colours of numbers: one hue below zero, another above, paper at zero.

const POLES = {
  light: {
    zero: [246, 246, 244],
    below: [43, 108, 176],
    above: [196, 92, 20],
    odd: [162, 20, 140],
  },
  dark: { zero: [42, 48, 56], below: [96, 165, 250], above: [251, 150, 70], odd: [240, 120, 230] },
};

/** How far areas go towards a pole at most, so that points and lines stand out on them. */
export const AREA = 0.72;

let dark = matchMedia("(prefers-color-scheme: dark)").matches;

export function isDark() {
  return dark;
}

/** The button changes between light and dark, as the system does; `changed` is called afterwards. */
export function startTheme(button, changed) {
  const set = (toDark) => {
    dark = toDark;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    button.textContent = dark ? "Light" : "Dark";
    button.setAttribute("aria-label", `${button.textContent} theme`);
  };
  set(dark);
  button.addEventListener("click", () => {
    set(!dark);
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
    set(event.matches);
    changed();
  });
}

/** Red, green and blue of a part from -1 to 1 of the way to the poles; NaN has a colour of its own. */
export function channelsAt(part) {
  const poles = dark ? POLES.dark : POLES.light;
  if (Number.isNaN(part)) return poles.odd;
  const pole = part < 0 ? poles.below : poles.above;
  return poles.zero.map((zero, channel) =>
    Math.round(zero + Math.abs(part) * (pole[channel] - zero)),
  );
}

export function colourAt(part) {
  return `rgb(${channelsAt(part).join(",")})`;
}
