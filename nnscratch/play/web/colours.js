// Colours of numbers: one hue below zero, another above, paper at zero.

const POLES = {
  light: { zero: [246, 246, 244], below: [43, 108, 176], above: [196, 92, 20] },
  dark: { zero: [42, 48, 56], below: [96, 165, 250], above: [251, 150, 70] },
};

/** How much of the pole's colour the ends of a picture get, so that points stand out on it. */
const STRENGTH = 0.72;

let dark = false;
let pixels = null;

export function isDark() {
  return dark;
}

/** Choose by name, or follow what the system says; `changed` is called after every change. */
export function startTheme(button, changed) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const set = (toDark) => {
    dark = toDark;
    pixels = null;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    button.textContent = dark ? "Light" : "Dark";
    button.setAttribute("aria-label", `${button.textContent} theme`);
    changed();
  };
  set(system.matches);
  button.addEventListener("click", () => set(!dark));
  system.addEventListener("change", (event) => set(event.matches));
}

/** The full colour of one side of zero. */
export function poleColour(positive) {
  const { above, below } = dark ? POLES.dark : POLES.light;
  return `rgb(${(positive ? above : below).join(",")})`;
}

/** The pixel of each byte from 0 (below) over 127.5 (zero) to 255 (above). */
function pixelsOfBytes() {
  if (pixels) return pixels;
  const { zero, below, above } = dark ? POLES.dark : POLES.light;
  pixels = Uint32Array.from({ length: 256 }, (_, byte) => {
    const far = (byte - 127.5) / 127.5;
    const pole = far < 0 ? below : above;
    const rgb = zero.map((channel, i) => channel + STRENGTH * Math.abs(far) * (pole[i] - channel));
    return new Uint32Array(Uint8ClampedArray.from([...rgb, 255]).buffer)[0];
  });
  return pixels;
}

/** Draw numbers from 0 to 255 as a square of so many pixels a side. */
export function paint(canvas, values, side) {
  const context = canvas.getContext("2d");
  if (canvas.width !== side || canvas.height !== side) canvas.width = canvas.height = side;
  const image = context.createImageData(side, side);
  const words = new Uint32Array(image.data.buffer);
  const colours = pixelsOfBytes();
  for (let i = 0; i < values.length; i++) words[i] = colours[Math.round(values[i])];
  context.putImageData(image, 0, 0);
}

/** The bytes in base64. */
export function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Numbers of two bytes each, lower one first, in base64, brought to 0 to 255. */
export function wordsOf(text) {
  const bytes = bytesOf(text);
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => (bytes[2 * i] + 256 * bytes[2 * i + 1]) / 257);
}
