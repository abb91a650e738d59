// The measurements of the plane that texts quote. No DOM.
import { fixed } from '../../web/numbers.js';

const NAMES = { 0: 'ddim', yours: 'yours', 1: 'ddpm' };

/**
 * @param {Record<string, { energy: number, straight_ode: number }>} runs by name
 * @returns {import('../../web/readings.js').Readings}
 */
export function readingsOf(runs) {
  const entries = Object.entries(NAMES).flatMap(([run, name]) => [
    [`energy_${name}`, runs[run] ? fixed(runs[run].energy, 3).replace('−0.000', '0.000') : null],
    [`length_${name}`, runs[run] ? fixed(runs[run].straight_ode, 2) : null],
  ]);
  return Object.fromEntries(entries);
}
