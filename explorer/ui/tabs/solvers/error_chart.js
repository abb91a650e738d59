// The error of each solver over the number of network calls, with logarithmic axes. No DOM.
import { MARGIN } from '../../web/chart.js';
import { labelLines, marginFor } from '../../web/line_labels.js';
import { powerOfTen } from '../../web/numbers.js';
import { SOLVERS } from './solvers.js';

/** @typedef {import('./solvers.js').Errors} Errors */
/** @typedef {import('../../web/chart.js').Line} Line */
/** @typedef {import('../../web/chart.js').Point} Point */

const CALLS = [4, 8, 16, 32, 64, 128, 256];
const LARGEST = 10; // errors above are of runs that have left the picture, and are not drawn

/** The points of a line, as logarithms. @param {import('./solvers.js').ErrorPoint[]} points @returns {Point[]} */
const logs = (points) =>
  points
    .filter(([, error]) => error > 0 && error <= LARGEST)
    .map(([calls, error]) => [Math.log(calls), Math.log(error)]);

/**
 * @param {Errors} errors
 * @param {object} options
 * @param {{ width: number, height: number }} options.size px
 * @param {string} options.xTitle
 * @param {string} options.yTitle
 * @returns {import('../../web/chart.js').ChartOptions | null} null if there is nothing to draw
 */
export function errorChart(errors, { size, xTitle, yTitle }) {
  const drawn = Object.entries(SOLVERS).flatMap(([solver, { short, colour, marker }]) => {
    const points = logs(errors[solver]?.points ?? []);
    return points.length
      ? [
          {
            points,
            colour,
            marker,
            text: short,
            width: solver === 'ddim' ? 2.25 : 1.5,
          },
        ]
      : [];
  });
  if (!drawn.length) return null;
  const x = drawn.flatMap(({ points }) => points.map(([v]) => v));
  const y = drawn.flatMap(({ points }) => points.map(([, v]) => v));
  const first = Math.min(...x);
  const last = Math.max(...x);
  const [low, high] = [Math.min(...y) - 0.2, Math.max(...y) + 0.2];
  const margin = {
    ...MARGIN,
    top: 24,
    bottom: 38,
    left: 40,
    right: 8 + marginFor(Object.values(SOLVERS).map(({ short }) => short)),
  };
  const perX = (size.width - margin.left - margin.right) / (last - first || 1);
  const perY = (size.height - margin.top - margin.bottom) / (high - low);
  const powers = Array.from({ length: 20 }, (_, k) => k - 16).filter((k) => inside(k * Math.LN10, low, high));
  return {
    ...size,
    ...{ margin, xTitle, yTitle },
    xRange: [first, last],
    yRange: [low, high],
    xTicks: CALLS.filter((N) => inside(Math.log(N), first - 0.01, last + 0.1)).map((N) => [
      Math.min(Math.log(N), last),
      N,
      'middle',
    ]),
    yTicks: powers.map((k) => k * Math.LN10),
    yLabel: (v) => powerOfTen(Math.round(v / Math.LN10)),
    lines: labelLines(drawn, { last, perX, perY, low, high }),
  };
}

/** @param {number} v @param {number} low @param {number} high */
const inside = (v, low, high) => v >= low && v <= high;
