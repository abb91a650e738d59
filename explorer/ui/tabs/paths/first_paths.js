// The first paths of a new drawing: those of η = 0, computed in the browser from the same initial points, with the same exact score,
// until the server's runs arrive. No DOM.
import { noisedMixture, scoreAt } from './mixture.js';

/** @typedef {import('./mixture.js').Mixture} Mixture */
/** @typedef {import('./drawing_code.js').Point} Point */

const MAX_COST = 2e6; // evaluations of a Gaussian, some 50 ms

/**
 * The paths of DDIM: Eq. 12 with σ = 0, x_prev = √ᾱ_prev x̂₀ + √(1-ᾱ_prev) ε, where ε = -√(1-ᾱ) score(x).
 * @param {Mixture} mixture
 * @param {Point[]} starts the initial points x_T
 * @param {number[]} t ascending from 0
 * @param {ArrayLike<number>} alphaBar
 * @returns {Point[][]} by path and index of t
 */
export function ddimPaths(mixture, starts, t, alphaBar) {
  const paths = starts.map((start) => {
    const path = /** @type {Point[]} */ (Array(t.length));
    path[t.length - 1] = start;
    return path;
  });
  for (let k = t.length - 1; k > 0; k--) {
    const [now, next] = [alphaBar[t[k]], alphaBar[t[k - 1]]];
    const components = noisedMixture(mixture, now);
    for (const path of paths) {
      const score = scoreAt(components, path[k][0], path[k][1]);
      path[k - 1] = /** @type {Point} */ (
        path[k].map((x, i) => {
          const eps = -Math.sqrt(1 - now) * score[i];
          const x0 = (x - Math.sqrt(1 - now) * eps) / Math.sqrt(now);
          return Math.sqrt(next) * x0 + Math.sqrt(1 - next) * eps;
        })
      );
    }
  }
  return paths;
}

/**
 * The paths of another mixture, from the initial points of a run. None if they take too long, or if the run's time steps were thinned
 * out for the page.
 * @param {Mixture} mixture
 * @param {{ t: number[], x: Point[][], steps: number }} run
 * @param {ArrayLike<number>} alphaBar
 */
export function firstPaths(mixture, { t, x, steps }, alphaBar) {
  const isWhole = t.length === steps + 1;
  if (!isWhole || steps * x.length * mixture.means.length > MAX_COST) return [];
  return ddimPaths(
    mixture,
    x.map((path) => path[path.length - 1]),
    t,
    alphaBar,
  );
}
