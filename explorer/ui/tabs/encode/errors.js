// The errors of the way up and down again, over the number of steps S: as points of a chart and as a table. No DOM.

/** @typedef {[S: number, error: number]} ErrorOfLength a mean squared error in [0, 1] */
/** @typedef {Record<string, number>} ErrorsByLength errors by S */

const SMALLEST = 1e-9; // no logarithm of 0

/**
 * How the way up found its ε, as the texts name it: "refined-2" and "refined-3" are both refined.
 * @param {string} way
 */
export const wordOf = (way) => way.replace(/-?\d+$/, '').replace('-', '_');

/**
 * The errors as points of a chart with logarithms on both axes.
 * @param {ErrorOfLength[]} errors
 * @returns {[x: number, y: number][]}
 */
export const logPoints = (errors) => errors.map(([S, error]) => [Math.log10(S), Math.log10(Math.max(error, SMALLEST))]);

/**
 * @param {ErrorsByLength} errors
 * @returns {ErrorOfLength[]} by S
 */
export function byLength(errors) {
  const entries = Object.entries(errors).map(([S, error]) => [Number(S), error]);
  return /** @type {ErrorOfLength[]} */ (entries.sort((a, b) => a[0] - b[0]));
}

/**
 * The S that have a row in the table.
 * @param {Record<string, ErrorsByLength>} table by way
 * @param {ErrorOfLength[]} paper
 */
export function lengthsOf(table, paper) {
  const measured = Object.values(table).flatMap((errors) => Object.keys(errors).map(Number));
  return [...new Set([...measured, ...paper.map(([S]) => S)])].sort((a, b) => a - b);
}

/**
 * The powers of ten on the axis of errors, from the lowest one that is needed to 10⁻¹.
 * @param {[x: number, y: number][]} points
 */
export function powersFor(points) {
  const lowest = Math.min(-6, ...points.map(([, y]) => Math.floor(y)));
  return Array.from({ length: -lowest }, (_, k) => lowest + k);
}

/**
 * How many calls of the network the way up costs.
 * @param {number} S
 * @param {{ refine: number, ahead: boolean }} settings
 */
export const callsUp = (S, { refine, ahead }) => S * (1 + refine) + (ahead ? 1 : 0);
