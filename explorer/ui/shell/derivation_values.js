// The numbers of a derivation card as text. No DOM.
import { digits } from '../web/numbers.js';

/**
 * @typedef {object} Value one number of a check, from explorer/ui/derivation_checks.py
 * @property {string} name
 * @property {number | null} measured null if it is not finite
 * @property {number | null} expected
 * @property {number | null} tolerance
 * @property {'equal' | 'at most' | 'above' | 'below'} relation
 * @property {boolean} passed
 */

const DIGITS = 4;
const BOUND_DIGITS = 2;
const SHOWN_TOLERANCE = 1e-3; // relative: a smaller one is rounding
const ROUNDING = 1e-6; // absolute, where 0 is expected

/** @param {number | null} number @param {number} [n] */
const short = (number, n = DIGITS) => (number === null ? '–' : digits(number, n));

/** What was computed. Rounding errors of an expected 0 are shown as 0. @param {Value} value */
export function measuredText({ relation, measured, expected, tolerance }) {
  const error = Math.abs(measured ?? Infinity);
  if (relation === 'equal' && expected === 0 && error <= Math.min(tolerance ?? 0, ROUNDING)) return '0';
  return short(measured, relation === 'at most' ? BOUND_DIGITS : DIGITS);
}

/** What it should be: a bound, or a value with its tolerance if that is more than rounding. @param {Value} value */
export function expectedText({ relation, expected, tolerance }) {
  if (relation === 'at most') return short(expected, BOUND_DIGITS);
  const allowed = tolerance ?? 0,
    isWide = allowed > ROUNDING && allowed > SHOWN_TOLERANCE * Math.abs(expected ?? 0);
  return relation === 'equal' && isWide ? `${short(expected)} ± ${digits(allowed, 1)}` : short(expected);
}
