// The charts of Quality: a line for each η over S, with logarithmic axes. No DOM.
import { MARGIN } from '../../web/chart.js';
import { ETA, labelLines, marginFor, SIGMA_HAT, widthOf } from '../../web/line_labels.js';
import { digits } from '../../web/numbers.js';
import { ETAS, stepsOf } from './cells.js';
import { ERRORS } from './conclusions.js';

/** @typedef {import('./cells.js').Cell} Cell */
/** @typedef {import('./cells.js').Cells} Cells */
/** @typedef {import('../../web/chart.js').ChartOptions} ChartOptions */
/** @typedef {import('../../web/chart.js').Line} Line */
/** @typedef {import('../../web/chart.js').Point} Point */
/** @typedef {[value: number, label: string | number, anchor: string]} Tick */
/** @typedef {{ at: (S: number) => number, spread?: number, text: string }} Level a reference line, straight on logarithmic axes; `spread` is its standard error */

const TICKS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000];
const MARGINS = { ...MARGIN, top: 24, bottom: 38 };
const NEAR = 26; // px between two ticks with labels
const LOWEST = 2.5; // error bars may reach down to this fraction of the least value
const DODGE = 3.5; // px between the markers of neighbouring η at the same S

/**
 * How each η is drawn: the colour is set in tab.css for both themes, and the marker tells the lines apart without colours.
 * @type {Record<string, { name: string, svg: string, colour: string, marker: import('../../web/chart_marks.js').Marker, dash?: string }>}
 */
export const SERIES = {
  0: { name: 'η = 0', svg: `${ETA} = 0`, colour: 'var(--eta-0)', marker: 'circle' },
  0.2: { name: 'η = 0.2', svg: `${ETA} = 0.2`, colour: 'var(--eta-02)', marker: 'triangle' },
  0.5: { name: 'η = 0.5', svg: `${ETA} = 0.5`, colour: 'var(--eta-05)', marker: 'square' },
  1: { name: 'η = 1', svg: `${ETA} = 1`, colour: 'var(--eta-1)', marker: 'diamond' },
  large: { name: 'σ̂', svg: SIGMA_HAT, colour: 'var(--eta-large)', marker: 'cross', dash: '2 4' },
};
/** Ticks at each S. @param {Cells} cells @returns {Tick[]} */
export const stepTicks = (cells) => stepsOf(cells).map((S) => [Math.log(S), S, 'middle']);

/**
 * Leave out ticks whose labels would touch: the last one stays, then those that are far enough from the next.
 * @param {Tick[]} ticks ascending
 * @param {number} perUnit px
 */
export function spacedTicks(ticks, perUnit) {
  /** @type {Tick[]} */
  const kept = [];
  for (const tick of [...ticks].reverse()) {
    if (!kept.length || (kept[0][0] - tick[0]) * perUnit >= NEAR) kept.unshift(tick);
  }
  return kept;
}

/**
 * @typedef {object} CurvesOptions
 * @property {{ width: number, height: number }} size
 * @property {string} xTitle
 * @property {string} yTitle
 * @property {(cell: Cell) => number | undefined} [y] the value above S, by default the distance; only that has error bars
 * @property {(value: number) => string} [yLabel]
 * @property {Level[]} [levels]
 */

/**
 * @param {Cells} cells
 * @param {CurvesOptions} options
 * @returns {ChartOptions | null} null if there is nothing to draw
 */
export function curvesChart(cells, { size, xTitle, yTitle, y, yLabel = digits, levels = [] }) {
  const rows = rowsOf(cells, y);
  if (!rows.length) return null;
  const steps = stepsOf(cells);
  const ends = /** @type {[number, number]} */ ([steps[0], steps[steps.length - 1]]);
  const [low, high] = rangeOf(rows, levels, ends);
  const yTicks = TICKS.map(Math.log).filter((v) => v >= low && v <= high);
  const yText = (/** @type {number} */ v) => yLabel(Math.exp(v));
  const margin = {
    ...MARGINS,
    left: Math.max(MARGIN.left, 10 + widthOf(yTicks.map(yText))),
    right: marginFor([...rows.map(({ eta }) => SERIES[eta].name), ...levels.map(({ text }) => text)]),
  };

  // markers at the same S stand side by side, so that their error bars can be seen
  const dodge = y ? 0 : DODGE;
  const half = (dodge * (rows.length - 1)) / 2;
  const perX = (size.width - margin.left - margin.right - 2 * half) / (Math.log(ends[1] / ends[0]) || 1);
  const xRange = /** @type {[number, number]} */ ([Math.log(ends[0]) - half / perX, Math.log(ends[1]) + half / perX]);
  const perY = (size.height - margin.top - margin.bottom) / (high - low);
  const clamp = (/** @type {number} */ v) => (v > 0 ? Math.min(high, Math.max(low, Math.log(v))) : low);

  const lines = rows.map(({ eta, points }, i) => {
    const shift = (dodge * i - half) / perX;
    const { svg, colour, marker, dash } = SERIES[eta];
    const drawn = points.map(({ S, value }) => /** @type {Point} */ ([Math.log(S) + shift, Math.log(value)]));
    const bars = points.flatMap(({ S, value, error }) => {
      const bar = [Math.log(S) + shift, clamp(value - error), clamp(value + error)];
      return error > 0 ? [/** @type {import('../../web/chart_marks.js').Bar} */ (bar)] : [];
    });
    return { points: drawn, bars, colour, marker, dash, width: 1.75, text: svg };
  });
  const references = levels.map(({ at, text }, i) => {
    const drawn = xRange.map((place) => /** @type {Point} */ ([place, Math.log(at(Math.exp(place)))]));
    return { points: drawn, colour: 'var(--ink2)', width: 1.25, dash: i ? '1 3' : '5 3', text };
  });
  const labelled = labelLines([...lines, ...references], { last: xRange[1], perX, perY, low, high });
  const bands = levels.flatMap(({ at, spread: error = 0 }) => {
    const [from, to] = [-ERRORS, ERRORS].map((errors) => clamp(at(ends[0]) + errors * error));
    return error > 0 ? [{ from, to, colour: 'var(--ref)' }] : [];
  });
  return {
    ...size,
    ...{ margin, xRange, yTicks, xTitle, yTitle, bands },
    yRange: [low, high],
    yLabel: yText,
    xTicks: spacedTicks(stepTicks(cells), perX),
    lines: labelled,
  };
}

/**
 * What is drawn of each η: positive values, and half of their error bars, NaN for none.
 * @param {Cells} cells
 * @param {CurvesOptions['y']} y
 * @returns {{ eta: string, points: { S: number, value: number, error: number }[] }[]}
 */
function rowsOf(cells, y) {
  const rows = ETAS.filter((eta) => cells[eta]).map((eta) => {
    const points = cells[eta].map((cell) => {
      const value = Number(y ? y(cell) : cell.distance);
      return { S: cell.S, value, error: y ? NaN : ERRORS * (cell.spread ?? NaN) };
    });
    return { eta, points: points.filter(({ value }) => value > 0) };
  });
  return rows.filter(({ points }) => points.length);
}

/**
 * The logarithms of the ends of the y axis, with room for the error bars as far as they are not too long.
 * @param {ReturnType<typeof rowsOf>} rows
 * @param {Level[]} levels
 * @param {[number, number]} ends the smallest and the largest S
 */
function rangeOf(rows, levels, ends) {
  const points = rows.flatMap((row) => row.points);
  const values = [...points.map(({ value }) => value), ...levels.flatMap(({ at }) => ends.map(at))];
  const least = Math.min(...values);
  const lows = points.map(({ value, error }) => value - error).filter((v) => v > 0);
  return [0.85 * Math.max(least / LOWEST, Math.min(least, ...lows)), 1.3 * Math.max(...values)].map(Math.log);
}
