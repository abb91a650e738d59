// The numbers of the forward process that texts quote. No DOM.
import { digits, fixed } from '../../web/numbers.js';

/**
 * @param {object} now
 * @param {number} now.t the time step on the screen
 * @param {ArrayLike<number>} now.alphaBar ᾱ at 0..T
 * @param {ArrayLike<number>} now.x0 the values of the picture
 * @param {[t: number, loss: number][]} now.loss the curve; empty if it was not measured
 * @returns {import('../../web/readings.js').Readings}
 */
export function readingsOf({ t, alphaBar, x0, loss }) {
  const T = alphaBar.length - 1;
  const variance = varianceOf(x0);
  /** @param {number} time */
  const at = (time) => ({
    sqrt: digits(Math.sqrt(alphaBar[time]), 2),
    variance: fixed(alphaBar[time] * variance + 1 - alphaBar[time], 2),
  });
  const [early, half] = [Math.round(T / 10), Math.round(T / 2)];
  const errors = loss.map(([, error]) => error);
  return {
    T,
    t,
    sqrt_now: at(t).sqrt,
    variance_now: at(t).variance,
    t_early: early,
    t_half: half,
    sqrt_early: at(early).sqrt,
    sqrt_half: at(half).sqrt,
    sqrt_last: at(T).sqrt,
    variance_first: fixed(variance, 2),
    variance_last: at(T).variance,
    kept_by_step: digits(alphaBar[T] / alphaBar[T - 1], 2),
    kept_by_all: digits(alphaBar[T], 2),
    loss_ratio: errors.length ? digits(Math.max(...errors) / Math.min(...errors), 2) : null,
  };
}

/** @param {ArrayLike<number>} values */
function varianceOf(values) {
  const all = Array.from(values);
  const mean = all.reduce((sum, v) => sum + v, 0) / all.length;
  return all.reduce((sum, v) => sum + (v - mean) ** 2, 0) / all.length;
}
