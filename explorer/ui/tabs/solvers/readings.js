// The numbers of the solvers that texts quote. No DOM.
import { digits, fixed } from '../../web/numbers.js';

const NAMES = {
  ddim: 'ddim',
  heun: 'heun',
  'dpm-solver-2': 'dpm2',
  'dpm-solver++-2m': 'two_m',
  plms: 'plms',
  rk4: 'rk4',
};

/**
 * @param {object} value
 * @param {Record<string, import('./solvers.js').Plan>} value.plans
 * @param {Record<string, number>} value.errors of the rows, by solver
 * @param {number | null} value.difference of DDIM to DPM-Solver-1
 * @param {import('./solvers.js').Errors} value.exact
 * @param {number} value.calls
 * @param {{ steps: number }} value.reference
 * @returns {import('../../web/readings.js').Readings}
 */
export function readingsOf({ plans, errors, difference, exact, calls, reference }) {
  const percent = (/** @type {number | undefined} */ error) =>
    error === undefined ? null : `${digits(100 * error, 2)} %`;
  const entries = Object.entries(NAMES).flatMap(([solver, name]) => [
    [`error_${name}`, percent(errors[solver])],
    [`steps_${name}`, plans[solver]?.steps],
    [`jump_${name}`, plans[solver] ? `${fixed(100 * plans[solver].first_jump, 0)} %` : null],
    [`order_${name}`, typeof exact[solver]?.slope === 'number' ? fixed(exact[solver].slope, 2) : null],
  ]);
  return {
    calls,
    reference: reference.steps,
    difference: difference === null ? null : digits(difference, 2),
    ...Object.fromEntries(entries),
  };
}
