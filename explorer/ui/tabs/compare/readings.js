// The numbers of a comparison that texts quote. No DOM.
import { digits, fixed } from '../../web/numbers.js';
import { noiseAfterLargeVariance } from '../../web/schedule.js';

/**
 * @param {object} value
 * @param {{ steps: number }} value.settings
 * @param {Record<string, any>} facts of the rows that are complete, by name
 * @param {LateJump | null} jump
 * @returns {import('../../web/readings.js').Readings}
 */
export function readingsOf({ settings }, facts, jump) {
  const { ddim, ddpm, large, examples } = facts;
  /** @param {number | null | undefined} grain */
  const grainOf = (grain) => (grain === null || grain === undefined ? null : fixed(grain, 3));
  return {
    steps: settings.steps,
    repeat: ddim?.repeat === undefined ? null : digits(ddim.repeat, 2),
    others: ddpm?.others ? fixed(mean(ddpm.others), 3) : null,
    posterior: ddpm?.posterior === undefined ? null : digits(ddpm.posterior, 2),
    grain_ddim: grainOf(ddim?.grain),
    grain_ddpm: grainOf(ddpm?.grain),
    grain_large: grainOf(large?.grain),
    grain_real: grainOf(examples?.grain),
    ...(jump ? ofJump(jump) : {}),
  };
}

/** @typedef {[t: number, t_prev: number, alphaBar: number, alphaBarPrev: number]} LateJump the jump before the last one */

/** What σ̂ leaves after the jump before the last one, and what the network is told. @param {LateJump} jump */
export function ofJump([t, prev, alphaBar, alphaBarPrev]) {
  return {
    late_t: t,
    late_prev: prev,
    late_left: fixed(noiseAfterLargeVariance(alphaBar, alphaBarPrev), 2),
    late_told: fixed(Math.sqrt(1 - alphaBarPrev), 2),
  };
}

/** @param {number[]} numbers */
const mean = (numbers) => numbers.reduce((sum, v) => sum + v, 0) / numbers.length;
