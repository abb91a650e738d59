// Measured distances over S and η. No DOM. Conclusions from them are in conclusions.js.
import { compare } from './conclusions.js';

/**
 * @typedef {object} Cell
 * @property {number} S
 * @property {number} distance
 * @property {number} [spread] the standard error of the distance
 * @property {number} [seconds] per picture
 * @property {number} [pictures] number of pictures compared
 */
/** @typedef {Record<string, Cell[]>} Cells by η as text, or "large"; each list ascends in S */
/**
 * @typedef {[S: number, eta: string, distance: number, spread: number, seconds: number, pictures: number]} Measurement
 */

/** All η of a table, in the order of its columns. */
export const ETAS = ['0', '0.2', '0.5', '1', 'large'];

/** @param {Measurement[]} measurements @returns {Cells} */
export function cellsOf(measurements) {
  /** @type {Cells} */
  const cells = {};
  for (const [S, eta, distance, spread, seconds, pictures] of measurements) {
    (cells[eta] ??= []).push({ S, distance, spread, seconds, pictures });
  }
  for (const list of Object.values(cells)) list.sort((a, b) => a.S - b.S);
  return cells;
}

/**
 * Convert a table of the paper.
 * @param {number[]} steps
 * @param {Record<string, number[]>} table distances by η, one for each S
 * @returns {Cells}
 */
export function cellsOfTable(steps, table) {
  const lists = Object.entries(table).map(([eta, row]) => [eta, row.map((distance, i) => ({ S: steps[i], distance }))]);
  return Object.fromEntries(lists);
}

/** All S, ascending. @param {Cells} cells */
export function stepsOf(cells) {
  const steps = Object.values(cells).flatMap((list) => list.map(({ S }) => S));
  return [...new Set(steps)].sort((a, b) => a - b);
}

/**
 * A heat map. `best` marks the lowest distance of each S, `alike` those that are not measurably higher. `share`, the shade, is 0 for
 * the lowest distance of all and 1 for the highest.
 * @param {Cells} cells
 * @returns {{ S: number, cells: (Cell & { best: boolean, alike: boolean, share: number } | null)[] }[]}
 */
export function heatRows(cells) {
  const logs = Object.values(cells).flatMap((list) => list.map(({ distance }) => Math.log(distance)));
  const low = Math.min(...logs);
  const room = Math.max(...logs) - low || 1;
  const columns = ETAS.filter((eta) => cells[eta]).map((eta) => cells[eta]);
  return stepsOf(cells).map((S) => {
    const row = columns.map((list) => list.find((cell) => cell.S === S));
    const [least] = row.filter((cell) => cell !== undefined).sort((a, b) => a.distance - b.distance);
    return {
      S,
      cells: row.map((cell) => {
        if (!cell) return null;
        const best = cell.distance === least.distance;
        const alike = !best && compare(cell, least) === 'alike';
        return { ...cell, best, alike, share: (Math.log(cell.distance) - low) / room };
      }),
    };
  });
}

/**
 * The seconds per network call and picture of all cells: least, median and most.
 * @param {Cells} cells
 * @returns {{ least: number, median: number, most: number } | null} null if nothing was timed
 */
export function secondsPerCall(cells) {
  const seconds = Object.values(cells).flatMap((list) => list.map((cell) => (cell.seconds ?? NaN) / cell.S));
  const sorted = seconds.filter((value) => value > 0).sort((a, b) => a - b);
  if (!sorted.length) return null;
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return { least: sorted[0], median: (low + high) / 2, most: sorted[sorted.length - 1] };
}
