// Reconstruction errors over the number of steps S, prepared for chart and table. No DOM.

/** @typedef {[S: number, error: number]} ErrorOfLength a mean squared error in [0, 1] */
/** @typedef {Record<string, number>} ErrorsByLength errors by S */

const SMALLEST = 1e-9; // avoids the logarithm of 0

/**
 * The name of an inversion in text keys, without its number of iterations: "refined-2" is "refined".
 * @param {string} inversion
 */
export const wordOf = (inversion) => inversion.replace(/-?\d+$/, '').replace('-', '_');

/**
 * Points of a chart with logarithmic axes.
 * @param {ErrorOfLength[]} errors
 * @returns {[x: number, y: number][]}
 */
export const logPoints = (errors) => errors.map(([S, error]) => [Math.log10(S), Math.log10(Math.max(error, SMALLEST))]);

/**
 * @param {ErrorsByLength} errors
 * @returns {ErrorOfLength[]} ascending in S
 */
export function byLength(errors) {
  const entries = Object.entries(errors).map(([S, error]) => [Number(S), error]);
  return /** @type {ErrorOfLength[]} */ (entries.sort((a, b) => a[0] - b[0]));
}

/**
 * S of each row of the table, ascending.
 * @param {Record<string, ErrorsByLength>} table by inversion
 * @param {ErrorOfLength[]} paper
 */
export function lengthsOf(table, paper) {
  const measured = Object.values(table).flatMap((errors) => Object.keys(errors).map(Number));
  return [...new Set([...measured, ...paper.map(([S]) => S)])].sort((a, b) => a - b);
}

/**
 * The exponents of the ticks on the error axis, from the lowest one needed to -1.
 * @param {[x: number, y: number][]} points
 */
export function powersFor(points) {
  const lowest = Math.min(-6, ...points.map(([, y]) => Math.floor(y)));
  return Array.from({ length: -lowest }, (_, k) => lowest + k);
}

/**
 * Network calls of an encoding.
 * @param {number} S
 * @param {{ refine: number, ahead: boolean }} settings
 */
export const callsUp = (S, { refine, ahead }) => S * (1 + refine) + (ahead ? 1 : 0);
