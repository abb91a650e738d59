// The similarities that texts quote. No DOM.
import { fixed } from '../../web/numbers.js';

const NAMES = { 0: 'ddim', 1: 'ddpm' };

/**
 * The least and the largest similarity of each η, over all columns but the reference, which is 1 by definition.
 * @param {number[]} lengths the S of each column
 * @param {Record<string, import('./similarity.js').Similarity>} similarity by η
 * @returns {import('../../web/readings.js').Readings}
 */
export function readingsOf(lengths, similarity) {
  const entries = Object.entries(NAMES).flatMap(([eta, name]) => {
    const { reference = null, columns = [] } = similarity[eta] ?? {};
    const others = columns.flatMap((column, k) => (column && lengths[k] !== reference ? column : []));
    return [
      [`${name}_least`, others.length ? fixed(Math.min(...others), 2) : null],
      [`${name}_most`, others.length ? fixed(Math.max(...others), 2) : null],
    ];
  });
  return {
    reference: similarity[0]?.reference,
    shortest: lengths[0],
    second_longest: lengths.at(-2),
    ...Object.fromEntries(entries),
  };
}
