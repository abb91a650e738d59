// The chart of the spread at the end of a run over S, for three kinds of noise. No DOM.
import { MARGIN } from '../../web/chart.js';
import { ETA, labelLines, marginFor, SIGMA_HAT } from '../../web/line_labels.js';

/** @typedef {import('../../web/chart.js').Line} Line */
/** @typedef {import('../../web/chart.js').Point} Point */
/** @typedef {'end' | 'before'} Moment at the end, or before the last step */
/** @typedef {Record<string, Record<string, Record<Moment, number>>>} Sweep by kind of noise, S and moment */

const [FEWEST, MOST] = [5, 1000];
const BOTTOM = 0.6;
const TOP = { end: 2.4, before: 1.8 };
/** Colour and label of each kind. */
const KINDS = [
  { kind: '0', colour: 'var(--ink)', dash: 'none', text: `${ETA} = 0` },
  { kind: '1', colour: 'var(--noise)', dash: 'none', text: `${ETA} = 1` },
  { kind: 'large', colour: 'var(--noise)', dash: '2 3', text: SIGMA_HAT },
];
const RIGHT = marginFor(['η = 0']); // px, beside the lines

/** The cells of one kind, by S. @param {Sweep[string]} cells @param {Moment} moment @returns {Point[]} */
function pointsOf(cells, moment) {
  const points = Object.entries(cells).map(([S, cell]) => /** @type {Point} */ ([Math.log(Number(S)), cell[moment]]));
  return points.sort((a, b) => a[0] - b[0]);
}

/**
 * A line has its label once it reaches the largest S.
 * @param {Sweep} sweep the cells so far
 * @param {Moment} moment
 * @param {{ width: number, height: number }} size px
 * @returns {import('../../web/chart.js').ChartOptions}
 */
export function sweepChart(sweep, moment, size) {
  /** @type {[number, number]} */
  const xRange = [Math.log(FEWEST), Math.log(MOST)];
  /** @type {[number, number]} */
  const yRange = [BOTTOM, TOP[moment]];
  const margin = { ...MARGIN, right: RIGHT };
  const perX = (size.width - margin.left - margin.right) / (xRange[1] - xRange[0]);
  const perY = (size.height - margin.top - margin.bottom) / (yRange[1] - yRange[0]);
  const lines = KINDS.flatMap(({ kind, ...drawn }) => {
    const points = pointsOf(sweep[kind], moment);
    return points.length ? [{ ...drawn, points, width: 2 }] : [];
  });
  const ended = lines.filter(({ points }) => points[points.length - 1][0] === xRange[1]);
  const others = lines.filter((line) => !ended.includes(line));
  /** @type {Point[]} */
  const one = xRange.map((x) => [x, 1]);
  /** @type {Line} */
  const right = { points: one, colour: 'var(--x0)', width: 1.5, dash: '2 3' };
  return {
    ...size,
    ...{ margin, xRange, yRange },
    yTicks: [1, 1.5, 2].filter((v) => v <= TOP[moment]),
    xTicks: [
      [Math.log(FEWEST), `S = ${FEWEST}`, 'middle'],
      [Math.log(20), 20, 'middle'],
      [Math.log(100), 100, 'middle'],
      [Math.log(MOST), MOST, 'end'],
    ],
    lines: [right, ...others, ...labelLines(ended, { last: xRange[1], perX, perY, low: BOTTOM, high: TOP[moment] })],
    dots: lines.flatMap(({ points }) => points),
  };
}
