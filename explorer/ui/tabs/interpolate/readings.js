// The measurements of a path that texts quote. No DOM.
import { fixed } from '../../web/numbers.js';

/**
 * @param {Record<string, any>} facts of the rows that are complete, by name
 * @param {Record<string, [position: number, norm: number][]>} norms of slerp and lerp
 * @returns {import('../../web/readings.js').Readings}
 */
export function readingsOf(facts, norms) {
  /** @param {string} row @param {string} measure @param {number} decimals */
  const of = (row, measure, decimals) => (facts[row] ? fixed(facts[row][measure], decimals) : null);
  return {
    norm_least: norms.lerp ? fixed(Math.min(...norms.lerp.map(([, norm]) => norm)), 2) : null,
    contrast_lerp: of('lerp', 'contrast_middle', 3),
    contrast_slerp: of('slerp', 'contrast_middle', 3),
    smooth_slerp: of('slerp', 'smoothness', 2),
    smooth_lerp: of('lerp', 'smoothness', 2),
    smooth_ddpm: of('ddpm', 'smoothness', 2),
  };
}
