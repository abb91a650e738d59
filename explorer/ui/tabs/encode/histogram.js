// Lines of a histogram of a latent's values, and of the normal density. No DOM.

/** @typedef {[x: number, y: number]} Point */

export const RANGE = 4; // the histogram covers −4 to 4
const BELL_STEP = 0.1;

/**
 * The outline of a histogram as a step line.
 * @param {number[]} densities of bins of equal width
 * @returns {Point[]}
 */
export function stairs(densities) {
  const width = (2 * RANGE) / densities.length;
  return densities.flatMap((density, i) => [
    [-RANGE + i * width, density],
    [-RANGE + (i + 1) * width, density],
  ]);
}

/**
 * The density of the standard normal distribution.
 * @returns {Point[]}
 */
export function bell() {
  const count = Math.round((2 * RANGE) / BELL_STEP) + 1;
  return Array.from({ length: count }, (_, i) => {
    const v = -RANGE + i * BELL_STEP;
    return [v, Math.exp((-v * v) / 2) / Math.sqrt(2 * Math.PI)];
  });
}
