// The table of measured distances, number of network calls by solver. No DOM but texts.
import { sayHtml } from '../../web/localize.js';
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
  const rows = limits.map((N) => {
    const row = solvers.map((solver) => {
      const cell = cells.find(([name, limit]) => name === solver && limit === N);
      if (!cell) return '<td></td>';
      const [, , distance, frechet] = cell;
      return `<td>${digits(100 * distance, 2)}${frechet === null ? '' : `<small>${digits(frechet, 2)}</small>`}</td>`;
    });
    return `<tr><th scope="row">${N}</th>${row.join('')}</tr>`;
  });
  const last = solvers.map((solver) => `<td>${fewest[solver] ?? '–'}</td>`).join('');
  const titles = ['<i>N</i>', ...solvers.map(nameOf)].map((title) => `<th scope="col">${title}</th>`).join('');
  const foot = `<tr class="fewest"><th scope="row">${sayHtml('solvers.fewest')}</th>${last}</tr>`;
  return `<thead><tr>${titles}</tr></thead><tbody>${rows.join('')}${foot}</tbody>`;
}
