// Conclusions from a table of measured distances, by one statistical rule for all of them. No DOM.
//
// The rule: two distances differ if their difference exceeds ERRORS standard errors of it, the root of the sum of both squared
// standard errors. Cells of equal number share latent and noise seeds, so for cells that are alike the rule is cautious.

/** @typedef {import('./cells.js').Cell} Cell */
/** @typedef {import('./cells.js').Cells} Cells */
/** @typedef {'lower' | 'alike' | 'higher'} Verdict */

export const ERRORS = 2;
export const DDIM = '0';
export const DDPM = '1';

/** @param {Cell} cell */
const hasError = (cell) => Number.isFinite(cell.spread) && Number(cell.spread) > 0;

/**
 * How the distance of `a` compares with that of `b`; null if a standard error is missing.
 * @param {Cell} a
 * @param {Cell} b
 * @returns {Verdict | null}
 */
export function compare(a, b) {
  if (!hasError(a) || !hasError(b)) return null;
  const difference = a.distance - b.distance;
  if (Math.abs(difference) <= ERRORS * Math.hypot(Number(a.spread), Number(b.spread))) return 'alike';
  return difference < 0 ? 'lower' : 'higher';
}

/**
 * The smallest S of a row from which on no run is measurably worse than `goal`. Only S below that of `goal` count.
 * @param {Cell[]} row ascending in S
 * @param {Cell} goal
 * @returns {number | null} null if there is none
 */
function fewestSteps(row, goal) {
  let fewest = null;
  for (const cell of row.filter(({ S }) => S < goal.S).reverse()) {
    if (compare(cell, goal) === 'higher') break;
    fewest = cell.S;
  }
  return fewest;
}

/**
 * From how many steps on DDIM and DDPM are not measurably worse than the longest DDPM run.
 * @typedef {object} Parity
 * @property {'both' | 'ddim' | 'ddpm' | 'none' | 'unknown'} reached by shorter runs of which row; unknown without the cells or their errors
 * @property {number} [many] S of the longest DDPM run
 * @property {number} [ddim] the smallest such S of DDIM
 * @property {number} [ddpm] the smallest such S of DDPM
 * @property {number} [fewer] `many` relative to the smaller of both
 * @property {number} [next] the largest shorter S of a row that does not reach it, which is measurably worse there
 */

/**
 * @param {Cells} cells
 * @returns {Parity}
 */
export function parity(cells) {
  const goal = cells[DDPM]?.at(-1);
  const rows = [cells[DDIM] ?? [], cells[DDPM] ?? []];
  const shorter = rows.map((row) => row.filter((cell) => goal && cell.S < goal.S));
  const unknown = shorter.some((row) => !row.length || !row.every(hasError));
  if (!goal || !hasError(goal) || unknown) return { reached: 'unknown' };
  const [ddim, ddpm] = shorter.map((row) => fewestSteps(row, goal) ?? undefined);
  const few = Math.min(ddim ?? Infinity, ddpm ?? Infinity);
  const reached = ddim && ddpm ? 'both' : ddim ? 'ddim' : ddpm ? 'ddpm' : 'none';
  const worse = shorter.filter((_, i) => ![ddim, ddpm][i]).map((row) => row[row.length - 1].S);
  return {
    ...{ reached, many: goal.S, ddim, ddpm },
    ...(few < Infinity && { fewer: goal.S / few }),
    ...(worse.length && { next: Math.min(...worse) }),
  };
}

/**
 * The S at which DDIM is measurably better than DDPM, at which neither is, and at which it is measurably worse.
 * @param {Cells} cells
 * @returns {Record<Verdict, number[]>}
 */
export function ddimBesideDdpm(cells) {
  /** @type {Record<Verdict, number[]>} */
  const found = { lower: [], alike: [], higher: [] };
  for (const cell of cells[DDIM] ?? []) {
    const other = cells[DDPM]?.find(({ S }) => S === cell.S);
    const verdict = other && compare(cell, other);
    if (verdict) found[verdict].push(cell.S);
  }
  return found;
}

/**
 * Of the S with several cells, how many there are, and at how many of them DDIM has the lowest distance of all η.
 * @param {{ cells: (Cell & { best: boolean } | null)[] }[]} rows see heatRows; DDIM's column is the first
 */
export function lowestOfDdim(rows) {
  const compared = rows.filter(({ cells }) => cells[0] && cells.filter(Boolean).length > 1);
  return { times: compared.filter(({ cells }) => cells[0]?.best).length, of: compared.length };
}
