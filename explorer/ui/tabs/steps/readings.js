// The numbers of a run that texts quote. No DOM.
import { digits, fixed, thousands } from '../../web/numbers.js';
import { factorsOf } from '../../web/schedule.js';
import { numberOf } from './run.js';

/** Where the distance to the final picture is quoted, in percent of T. */
const PLACES = [100, 70, 50, 20];
const ETAS = [0, 0.5, 1];

/**
 * @param {import('./run.js').Run} run
 * @param {number} index of the step on the screen
 * @returns {import('../../web/readings.js').Readings}
 */
export function readingsOf(run, index) {
  return { ...ofPlan(run), ...ofDistances(run), ...ofRows(run), ...ofFutures(run), ...ofStep(run.plan[index]) };
}

/** What follows from the schedule and τ. @param {import('./run.js').Run} run */
function ofPlan({ plan }) {
  const first = plan[0],
    last = plan[plan.length - 1],
    beforeLast = plan[plan.length - 2];
  return {
    first_t: first.t,
    first_prev: first.t_prev,
    first_jump: first.t - first.t_prev,
    first_sqrt: digits(Math.sqrt(first.alpha_bar), 2),
    last_t: last.t,
    late_t: beforeLast?.t,
    late_jump: beforeLast && beforeLast.t - beforeLast.t_prev,
  };
}

/** Distances of the predicted x_0 to the final picture, near some time steps. @param {import('./run.js').Run} run */
function ofDistances(run) {
  const kept = Object.keys(run.distances).map(Number);
  const entries = PLACES.flatMap((percent) => {
    const i = run.nearest({ t: (run.T * percent) / 100 }, kept.length ? kept : run.kept);
    return [
      [`t_${percent}`, run.plan[i]?.t],
      [`distance_${percent}`, run.distances[i] === undefined ? null : fixed(run.distances[i], 3)],
    ];
  });
  return Object.fromEntries(entries);
}

/** What is known of all steps so far. @param {import('./run.js').Run} run */
function ofRows({ rows, plan, settings, channels, height, width }) {
  const values = thousands(channels * height * width);
  if (!rows.length) return { values };
  const off = Math.max(...rows.map((row) => numberOf(row, 'sum_residual')));
  const clipped = rows.map((row) => numberOf(row, 'clipped'));
  const most = Math.max(...clipped);
  return {
    values,
    sum_off: digits(off, 2),
    clipped_first: settings.clip ? thousands(clipped[0]) : null,
    clipped_most: settings.clip ? thousands(most) : null,
    clipped_t: settings.clip ? plan[clipped.indexOf(most)].t : null,
  };
}

/** What is known of the futures so far. @param {import('./run.js').Run} run */
function ofFutures({ futures, forks }) {
  if (!futures) return {};
  const { t, std, curve } = futures,
    isWhole = futures.hasCurve && futures.state === 'ended';
  return {
    fork_t: t,
    fork_count: forks.count,
    fork_std: std === null ? null : fixed(std, 3),
    fork_first: isWhole ? fixed(curve[0][1], 3) : null,
    fork_last: isWhole ? fixed(curve[curve.length - 1][1], 3) : null,
  };
}

/** The step on the screen, as it would be with other η. @param {import('./run.js').Step | undefined} step */
function ofStep(step) {
  if (!step) return {};
  const { t, alpha_bar, alpha_bar_prev } = step;
  const factors = ETAS.flatMap((eta) => {
    const { direction, sigma } = factorsOf(alpha_bar, alpha_bar_prev, eta);
    const name = String(100 * eta);
    return [
      [`direction_${name}`, fixed(direction, 3)],
      [`sigma_${name}`, fixed(sigma, 3)],
    ];
  });
  return { t, squares: fixed(1 - alpha_bar_prev, 3), ...Object.fromEntries(factors) };
}
