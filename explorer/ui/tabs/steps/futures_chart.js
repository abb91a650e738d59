// The curve of the branching futures: how much the final pictures differ, over t of the fork. No DOM.
import { digits } from '../../web/numbers.js';

const TOPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1, 2];

/**
 * What lineChart draws.
 * @param {import('./run.js').Futures} futures
 * @param {number} T
 * @param {string} name of the line
 * @param {string} xTitle
 */
export function curveOptions({ curve }, T, name, xTitle) {
  const most = Math.max(...curve.map(([, std]) => std), 0);
  const top = TOPS.find((v) => v >= most) ?? most;
  return {
    xRange: /** @type {[number, number]} */ ([T, 0]),
    xTicks: /** @type {[number, string | number, string][]} */ ([
      [T, `t = ${T}`, 'start'],
      [T / 2, T / 2, 'middle'],
      [0, '0', 'end'],
    ]),
    yRange: /** @type {[number, number]} */ ([0, top]),
    yTicks: [0, top / 2, top],
    yLabel: (value) => digits(value, 3),
    xTitle,
    margin: { bottom: 36, left: 42 },
    lines: [{ points: curve, colour: 'var(--noise)', name, marker: /** @type {const} */ ('circle') }],
  };
}

/**
 * The fork whose t is nearest to a place on the chart.
 * @param {import('./run.js').Futures} futures
 * @param {number} t
 */
export const nearestFork = ({ curve }, t) =>
  curve.map(([each]) => each).reduce((best, each) => (Math.abs(each - t) < Math.abs(best - t) ? each : best));
