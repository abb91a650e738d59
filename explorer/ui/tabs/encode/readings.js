// The errors that texts quote. No DOM.
import { digits, fixed } from '../../web/numbers.js';

/**
 * @param {Record<string, any>} facts
 * @param {import('./errors.js').ErrorsByLength} errors of the chosen inversion, by S
 * @returns {import('../../web/readings.js').Readings} the error at S = 10 is error_10
 */
export function readingsOf({ norm }, errors) {
  const entries = Object.entries(errors).map(([S, error]) => [`error_${S}`, digits(error, 2)]);
  return { norm: norm === undefined ? null : fixed(norm, 3), ...Object.fromEntries(entries) };
}
