// The table of measured distances, solver by number of network calls. No DOM but texts.
import { say } from '../../web/localize.js';
import { digits } from '../../web/numbers.js';

/**
 * @typedef {[solver: string, limit: number, distance: number, frechet: number | null]} Cell
 *
 * @typedef {object} Measured
 * @property {Cell[]} cells
 * @property {any} [note] why there are none
 * @property {number} [pictures]
 * @property {string} [reference]
 * @property {number} [ddim_distance] of DDIM with S = T
 * @property {any} [features]
 * @property {Record<string, number | null>} [fewest] N that reaches DDIM's distance at S = 50, by solver
 */

/**
 * @param {Measured} measured
 * @param {(solver: string) => string} nameOf HTML
 * @returns {string} HTML, empty if there are no cells
 */
export function measuredTable({ cells, fewest = {} }, nameOf) {
  if (!cells.length) return '';
  const solvers = [...new Set(cells.map(([solver]) => solver))];
  const limits = [...new Set(cells.map(([, limit]) => limit))].sort((a, b) => a - b);
  const head = [say('solvers.solver'), ...limits.map((N) => `N = ${N}`), say('solvers.fewest')];
  const rows = solvers.map((solver) => {
    const row = limits.map((N) => {
      const cell = cells.find(([name, limit]) => name === solver && limit === N);
      if (!cell) return '<td></td>';
      const [, , distance, frechet] = cell;
      const second = frechet === null ? '' : `<small>${digits(frechet, 3)}</small>`;
      return `<td>${digits(100 * distance, 2)} %${second}</td>`;
    });
    return `<tr><th scope="row">${nameOf(solver)}</th>${row.join('')}<td>${fewest[solver] ?? '–'}</td></tr>`;
  });
  const titles = head.map((title) => `<th scope="col">${title}</th>`).join('');
  return `<thead><tr>${titles}</tr></thead><tbody>${rows.join('')}</tbody>`;
}
