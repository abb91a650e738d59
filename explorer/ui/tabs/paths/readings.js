// The measurements of the plane that texts quote. No DOM.
import { fixed } from '../../web/numbers.js';

const NAMES = { 0: 'ddim', yours: 'yours', 1: 'ddpm' };

/**
 * @param {Record<string, { energy?: number, straight_ode?: number }>} runs by name; without measurements before all points are sampled
 * @returns {import('../../web/readings.js').Readings}
 */
export function readingsOf(runs) {
  const entries = Object.entries(NAMES).flatMap(([run, name]) => {
    const { energy, straight_ode: length } = runs[run] ?? {};
    return [
      [`energy_${name}`, energy === undefined ? null : fixed(energy, 3).replace('−0.000', '0.000')],
      [`length_${name}`, length === undefined ? null : fixed(length, 2)],
    ];
  });
  return Object.fromEntries(entries);
}
