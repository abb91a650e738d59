// The measured distances that texts quote. No DOM.
import { digits } from '../../web/numbers.js';
import { stepsOf } from './cells.js';

/**
 * @param {import('./cells.js').Cells} cells
 * @param {number[]} paper the S of the paper's table, ascending
 * @returns {import('../../web/readings.js').Readings} the distances at the smallest S that the paper has too
 */
export function readingsOf(cells, paper) {
  const S = stepsOf(cells).find((steps) => paper.includes(steps));
  /** @param {string} eta */
  const at = (eta) => {
    const cell = cells[eta]?.find((each) => each.S === S);
    return cell ? digits(cell.distance, 3) : null;
  };
  return { fewest: S, ddim: at('0'), ddpm: at('1'), large: at('large') };
}
