// Where a solver of higher order is farther from the solution than DDIM with at most as many network calls. No DOM.
import { SOLVERS } from './solvers.js';

/** @typedef {import('./solvers.js').Errors} Errors */

const TOLERANCE = 1.02; // closer errors count as equal

/**
 * The error of DDIM at a number of calls, between two points of its line on logarithmic axes; null outside of them.
 * @param {import('./solvers.js').ErrorPoint[]} points ascending
 * @param {number} calls
 */
export function errorAt(points, calls) {
  const after = points.findIndex(([N]) => N >= calls);
  if (after === -1) return null;
  const [N, error] = points[after];
  if (N === calls) return error;
  if (after === 0) return null;
  const [before, larger] = points[after - 1];
  const share = Math.log(calls / before) / Math.log(N / before);
  return Math.exp(Math.log(larger) + share * Math.log(error / larger));
}

/**
 * For each solver that is worse than DDIM anywhere, the most calls with which it is.
 * @param {Errors} errors
 * @returns {{ solver: string, calls: number }[]} in the order of the rows
 */
export function worseThanDdim(errors) {
  const ddim = errors.ddim?.points ?? [];
  return Object.keys(SOLVERS).flatMap((solver) => {
    if (solver === 'ddim' || solver === 'mine') return []; // the reasons hold for solvers of the ODE
    const worse = (errors[solver]?.points ?? []).filter(([calls, error]) => {
      const other = errorAt(ddim, calls);
      return other !== null && error > TOLERANCE * other;
    });
    return worse.length ? [{ solver, calls: Math.max(...worse.map(([calls]) => calls)) }] : [];
  });
}
