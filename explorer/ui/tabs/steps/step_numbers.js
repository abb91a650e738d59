// The numbers of a step, beside the charts.
import { sayHtml } from '../../web/localize.js';
import { formula, math } from '../../web/math.js';
import { digits, fixed, thousands } from '../../web/numbers.js';
import { ALPHA, ALPHA_PREV, SIGMA, SIGMA_HAT, X0_HAT, X_T } from '../../web/symbols.js';
import { numberOf } from './run.js';

/**
 * The entries of the list as HTML.
 * @param {import('./run.js').Run} run
 * @param {number} index
 */
export function numbersOf(run, index) {
  const p = run.plan[index],
    row = run.rows[index],
    large = run.settings.variance === 'large';
  const count = thousands(run.channels * run.height * run.width),
    distance = run.distances[index];
  const later = run.state === 'ended' ? '–' : sayHtml('numbers.after');
  const noise = large
    ? [math(`${SIGMA_HAT},\\ ${SIGMA}(1)`), `${digits(p.sigma, 4)}, ${digits(p.sigma1, 4)}`]
    : [
        math(`${SIGMA} = \\eta\\,${SIGMA}(1)`),
        `${digits(p.sigma, 4)} = ${digits(run.settings.eta, 3)} × ${digits(p.sigma1, 4)}`,
      ];
  const squares = `${fixed(1 - p.alpha_bar_prev, 3)}, ${fixed(p.direction ** 2 + p.sigma ** 2, 3)}`;
  const sum = formula(`m\\,${X_T} + k\\,${X0_HAT} + \\sigma\\,z`);
  /** By the name of the row. @type {Record<string, [term: string, value: string, link?: string]>} */
  const entries = {
    t: [math('t \\to t_{\\mathrm{prev}}'), `${p.t} → ${p.t_prev}`],
    alpha_bar: [
      math(`${ALPHA} \\to ${ALPHA_PREV}`),
      `${digits(p.alpha_bar)} → ${digits(p.alpha_bar_prev)}`,
      'alpha_bar alpha_bar_prev',
    ],
    sigma: [noise[0], noise[1], 'sigma noise'],
    squares: [sayHtml('numbers.squares', { rest: formula(`1{-}${ALPHA_PREV}`) }), squares, 'direction'],
    mk: [math('m,\\, k'), `${fixed(p.m, 4)}, ${fixed(p.k, 4)}`, 'm k'],
    mk_sum: [sayHtml('numbers.mk_sum', { sum }), digits(numberOf(row, 'mk_residual'), 2)],
    sum: [sayHtml('numbers.three_terms'), digits(numberOf(row, 'sum_residual'), 2)],
    distance: [sayHtml('numbers.distance'), distance === undefined ? later : fixed(distance, 3), 'x0'],
    clipped: [
      sayHtml('numbers.clipped', { count }),
      run.settings.clip ? thousands(numberOf(row, 'clipped')) : sayHtml('numbers.clip_off'),
    ],
  };
  return Object.entries(entries)
    .map(([name, [term, value, link]]) => {
      const linked = link ? ` data-link="${link}"` : '';
      return `<div data-number="${name}"${linked}><dt>${term}</dt><dd>${value}</dd></div>`;
    })
    .join('');
}
