// Measured distances over S and η, and conclusions from them. No DOM.

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
 * A heat map: whether each cell is the best for its S, and its shade: `share` is 0 for the lowest distance and 1 for the highest.
 * @param {Cells} cells
 * @returns {{ S: number, cells: (Cell & { best: boolean, share: number } | null)[] }[]}
 */
export function heatRows(cells) {
  const logs = Object.values(cells).flatMap((list) => list.map(({ distance }) => Math.log(distance)));
  const low = Math.min(...logs);
  const room = Math.max(...logs) - low || 1;
  const columns = ETAS.filter((eta) => cells[eta]).map((eta) => cells[eta]);
  return stepsOf(cells).map((S) => {
    const row = columns.map((list) => list.find((cell) => cell.S === S));
    const least = Math.min(...row.map((cell) => cell?.distance ?? Infinity));
    return {
      S,
      cells: row.map((cell) => {
        if (!cell) return null;
        return { ...cell, best: cell.distance === least, share: (Math.log(cell.distance) - low) / room };
      }),
    };
  });
}

/**
 * The shortest DDIM run that is as good as the longest DDPM run, within the standard error of their difference.
 * @param {Cells} cells
 * @returns {{ few: number, many: number, times: number } | null} null if none is shorter
 */
export function fasterRun(cells) {
  const slow = cells['1']?.at(-1);
  if (!slow) return null;
  const error = (/** @type {Cell} */ cell) => Math.hypot(cell.spread ?? 0, slow.spread ?? 0);
  const fast = cells['0']?.find((cell) => cell.distance - slow.distance <= error(cell));
  if (!fast || fast.S >= slow.S) return null;
  return { few: fast.S, many: slow.S, times: (slow.seconds ?? NaN) / (fast.seconds ?? NaN) };
}
