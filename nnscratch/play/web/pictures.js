// What the server sends of pictures, and drawing them in colours.

import { AREA, channelsAt, isDark } from "./colours.js";

const pixels = new Map(); // by theme

/** The pixel of each byte from 0 (below) over 127.5 (zero) to 255 (above). */
function pixelsOfBytes() {
  if (!pixels.has(isDark())) {
    const made = Uint32Array.from({ length: 256 }, (_, byte) => {
      const rgb = channelsAt((AREA * (byte - 127.5)) / 127.5);
      return new Uint32Array(Uint8Array.from([...rgb, 255]).buffer)[0];
    });
    pixels.set(isDark(), made);
  }
  return pixels.get(isDark());
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
