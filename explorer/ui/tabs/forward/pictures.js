// Pixels of the Forward tab's pictures, for ImageData. No DOM.

/** @typedef {[channels: number, height: number, width: number]} Shape */

const SCALE_END = 1.5; // larger signed values are clipped
const SIGNED_COLOURS = { negative: [1, 92, 85], zero: [246, 245, 241], positive: [130, 68, 8] };

/** Convert a value in [-1, 1] to a byte. @param {number} value */
const toByte = (value) => Math.round((Math.min(1, Math.max(-1, value)) + 1) * 127.5);

/**
 * Opaque RGBA bytes.
 * @param {Shape} shape
 * @param {(pixel: number, rgba: Uint8ClampedArray, at: number) => void} colour writes red, green and blue of a pixel
 */
function rgbaOf([, height, width], colour) {
  const rgba = new Uint8ClampedArray(4 * height * width);
  for (let pixel = 0; pixel < height * width; pixel++) {
    colour(pixel, rgba, 4 * pixel);
    rgba[4 * pixel + 3] = 255;
  }
  return rgba;
}

/**
 * The picture a·x_0 + b·ε.
 * @param {Shape} shape
 * @param {Float32Array} x0
 * @param {Float32Array} eps
 * @param {number} a
 * @param {number} b
 */
export function mixPictures(shape, x0, eps, a, b) {
  const [channels, height, width] = shape;
  const stride = channels === 1 ? 0 : height * width; // a grey picture has the same value in all three channels
  return rgbaOf(shape, (pixel, rgba, at) => {
    for (let c = 0; c < 3; c++) {
      const k = c * stride + pixel;
      rgba[at + c] = toByte(a * x0[k] + b * eps[k]);
    }
  });
}

/**
 * Signed values in a diverging colour map: the mean over the channels, with zero in the middle.
 * @param {Shape} shape
 * @param {Float32Array} values
 */
export function signedPicture(shape, values) {
  const [channels, height, width] = shape;
  const { negative, zero, positive } = SIGNED_COLOURS;
  return rgbaOf(shape, (pixel, rgba, at) => {
    let mean = 0;
    for (let c = 0; c < channels; c++) mean += values[c * height * width + pixel] / channels;
    const level = Math.max(-1, Math.min(1, mean / SCALE_END));
    const end = level < 0 ? negative : positive;
    for (let c = 0; c < 3; c++) rgba[at + c] = Math.round(zero[c] + (end[c] - zero[c]) * Math.abs(level));
  });
}

/**
 * The pixel under a point of a picture, as "row:column".
 * @param {Shape} shape
 * @param {number} x from the left, as a fraction of the width
 * @param {number} y from the top, as a fraction of the height
 */
export const pixelAt = ([, height, width], x, y) => `${Math.floor(y * height)}:${Math.floor(x * width)}`;
