// The measurements of a path that texts quote. No DOM.
import { fixed } from '../../web/numbers.js';

/**
 * @param {Record<string, any>} facts of the rows that are complete, by name
 * @param {Record<string, [position: number, norm: number][]>} norms of slerp and lerp
 * @param {Record<string, number>} unrelated what unrelated pictures would give
 * @returns {import('../../web/readings.js').Readings}
 */
export function readingsOf(facts, norms, unrelated) {
  /** @param {string} row @param {string} measure @param {number} decimals */
  const of = (row, measure, decimals) => (facts[row] ? fixed(facts[row][measure], decimals) : null);
  return {
    norm_least: norms.lerp ? fixed(Math.min(...norms.lerp.map(([, norm]) => norm)), 2) : null,
    contrast_lerp: of('lerp', 'contrast_middle', 3),
    contrast_slerp: of('slerp', 'contrast_middle', 3),
    path_slerp: of('slerp', 'path_length', 1),
    path_lerp: of('lerp', 'path_length', 1),
    path_ddpm: of('ddpm', 'path_length', 1),
    path_unrelated: 'path_length' in unrelated ? fixed(unrelated.path_length, 0) : null,
  };
}
