// The Gaussians of one pixel in closed form: the marginals q(x_t | x_0), and q_σ(x_prev | x_t, x_0), Eq. 7. No DOM.

/** @typedef {import('../../web/chart.js').Point} Point */
/** @typedef {{ mean: number, sigma: number }} Gaussian */

const BELL_POINTS = 241;
const BELL_REACH = 4; // standard deviations to each side
const BAND_POINTS = 101;
const SPIKE = 1e-6; // smaller standard deviations are drawn as a vertical line

/**
 * The step of a run that contains t: from the first time step of τ at or above t to the one below.
 * @param {number[]} tau ascending
 * @param {number} t
 * @returns {[from: number, to: number]}
 */
export function jumpAt(tau, t) {
  const from = tau.find((u) => u >= t) ?? tau[tau.length - 1];
  const below = tau.filter((u) => u < from);
  return [from, below[below.length - 1] ?? 0];
}

/**
 * σ_t(η), Eq. 16.
 * @param {number} alphaBar
 * @param {number} alphaBarPrev
 * @param {number} eta
 */
export function sigmaOf(alphaBar, alphaBarPrev, eta) {
  const share = Math.sqrt((1 - alphaBarPrev) / (1 - alphaBar));
  return eta * share * Math.sqrt(Math.max(0, 1 - alphaBar / alphaBarPrev));
}

/**
 * q_σ(x_prev | x_t, x_0) for x_t = √ᾱ_t x_0 + √(1-ᾱ_t) ε.
 * @param {object} pixel
 * @param {number} pixel.x0
 * @param {number} pixel.eps
 * @param {number} alphaBar
 * @param {number} alphaBarPrev
 * @param {number} eta
 * @returns {Gaussian}
 */
export function posterior({ x0, eps }, alphaBar, alphaBarPrev, eta) {
  const sigma = sigmaOf(alphaBar, alphaBarPrev, eta);
  return { mean: Math.sqrt(alphaBarPrev) * x0 + Math.sqrt(Math.max(0, 1 - alphaBarPrev - sigma ** 2)) * eps, sigma };
}

/** The density at the mean. @param {number} sigma */
export const peakOf = (sigma) => 1 / (sigma * Math.sqrt(2 * Math.PI));

/** @param {number} x @param {number} top @returns {Point[]} */
const verticalLine = (x, top) => [
  [x, 0],
  [x, top],
];

/**
 * The density of a Gaussian as a line, clipped at `top`; a spike if its standard deviation is 0.
 * @param {Gaussian} gaussian
 * @param {number} top
 * @param {[low: number, high: number]} range
 * @returns {Point[]}
 */
export function bell({ mean, sigma }, top, [low, high]) {
  if (sigma < SPIKE) return verticalLine(mean, top);
  /** @type {Point[]} */
  const points = Array.from({ length: BELL_POINTS }, (_, i) => {
    const z = BELL_REACH * ((2 * i) / (BELL_POINTS - 1) - 1);
    return [mean + z * sigma, Math.min(top, peakOf(sigma) * Math.exp(-0.5 * z ** 2))];
  });
  return points.filter(([x]) => x >= low && x <= high);
}

/**
 * The mean of q(x_t | x_0) over t, shifted by a number of standard deviations.
 * @param {Float32Array} alphaBar at 0, …, T
 * @param {number} x0
 * @param {number} deviations
 * @returns {Point[]}
 */
export function marginalLine(alphaBar, x0, deviations) {
  const T = alphaBar.length - 1;
  return Array.from({ length: BAND_POINTS }, (_, i) => {
    const t = Math.round((i * T) / (BAND_POINTS - 1));
    return [t, Math.sqrt(alphaBar[t]) * x0 + deviations * Math.sqrt(1 - alphaBar[t])];
  });
}
