// The chart of the spread at the end of a run over S, for three kinds of noise. No DOM.

/** @typedef {import('../../web/chart.js').Line} Line */
/** @typedef {import('../../web/chart.js').Point} Point */
/** @typedef {'end' | 'before'} Moment at the end, or before the last step */
/** @typedef {Record<string, Record<string, Record<Moment, number>>>} Sweep by kind of noise, S and moment */

const [FEWEST, MOST] = [5, 1000];
const BOTTOM = 0.6;
const TOP = { end: 2.4, before: 1.8 };
/** Colour and label of each kind: distance of the label below the line, and index of the S where it is placed. */
const KINDS = [
  { kind: '0', colour: 'var(--ink)', dash: 'none', text: 'η = 0', dy: -6, at: 3 },
  { kind: '1', colour: 'var(--noise)', dash: 'none', text: 'η = 1', dy: 14, at: 3 },
  { kind: 'large', colour: 'var(--noise)', dash: '2 3', text: 'σ̂', dy: -8, at: 2 },
];

/** The cells of one kind, by S. @param {Sweep[string]} cells @param {Moment} moment @returns {Point[]} */
function pointsOf(cells, moment) {
  const points = Object.entries(cells).map(([S, cell]) => /** @type {Point} */ ([Math.log(Number(S)), cell[moment]]));
  return points.sort((a, b) => a[0] - b[0]);
}

/**
 * @param {Sweep} sweep the cells so far
 * @param {Moment} moment
 * @returns {Omit<import('../../web/chart.js').ChartOptions, 'width' | 'height'>}
 */
export function sweepChart(sweep, moment) {
  /** @type {[number, number]} */
  const xRange = [Math.log(FEWEST), Math.log(MOST)];
  const lines = KINDS.map(({ kind, colour, dash, text, dy, at }) => {
    const points = pointsOf(sweep[kind], moment);
    const label = points.length > 3 ? { at: points[at], dy, text } : null;
    return { points, colour, dash, width: 2, label };
  });
  /** @type {Point[]} */
  const one = xRange.map((x) => [x, 1]);
  /** @type {Line} */
  const right = { points: one, colour: 'var(--x0)', width: 1.5, dash: '2 3' };
  return {
    xRange,
    yRange: [BOTTOM, TOP[moment]],
    yTicks: [1, 1.5, 2].filter((v) => v <= TOP[moment]),
    xTicks: [
      [Math.log(FEWEST), `S = ${FEWEST}`, 'start'],
      [Math.log(20), 20, 'middle'],
      [Math.log(100), 100, 'middle'],
      [Math.log(MOST), MOST, 'end'],
    ],
    lines: [right, ...lines],
    dots: lines.flatMap(({ points }) => points),
  };
}
