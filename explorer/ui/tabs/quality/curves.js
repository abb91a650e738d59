// The chart of distances with a line for each η and logarithmic axes. No DOM.
import { digits } from '../../web/numbers.js';
import { ETAS, stepsOf } from './cells.js';

/** @typedef {import('./cells.js').Cell} Cell */
/** @typedef {import('./cells.js').Cells} Cells */
/** @typedef {import('../../web/chart.js').Line & { text: string }} NamedLine */
/** @typedef {[value: number, label: string | number, anchor: string]} Tick */

const TICKS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000];
const LABEL_HEIGHT = 17; // px from one label to the next
const LABEL_ROOM = 0.12; // relative to the width of the lines, to their right
const TICK_ROOM = 60; // px after the label "S = 10"

/** @type {Record<string, { colour: string, width: number, dash?: string }>} */
const STYLES = {
  0: { colour: 'var(--ink)', width: 2.5 },
  0.2: { colour: 'color-mix(in oklab, var(--ink) 60%, var(--noise))', width: 1.5 },
  0.5: { colour: 'color-mix(in oklab, var(--noise) 50%, var(--ref))', width: 1.75 },
  1: { colour: 'var(--noise)', width: 2.25 },
  large: { colour: 'var(--noise)', width: 1.5, dash: '2 4' },
};
/** The name of each η as plain text. @type {Record<string, string>} */
export const PLAIN_NAMES = { 0: 'η = 0', 0.2: '0.2', 0.5: '0.5', 1: 'η = 1', large: 'σ̂' };

/** Ticks at each S. @param {Cells} cells @returns {Tick[]} */
export const stepTicks = (cells) =>
  stepsOf(cells).map((S, i) => [Math.log(S), i ? S : `S = ${S}`, i ? 'middle' : 'start']);

/**
 * Ticks at round numbers of seconds.
 * @param {Cells} cells
 * @param {(seconds: number) => string} label
 * @returns {Tick[]}
 */
export function timeTicks(cells, label) {
  const seconds = Object.values(cells).flatMap((list) => list.map((cell) => cell.seconds ?? NaN));
  const low = Math.min(...seconds);
  const high = Math.max(...seconds);
  return TICKS.filter((v) => v >= low && v <= high).map((v) => [Math.log(v), label(v), 'middle']);
}

/**
 * Shorten the first tick's label if the name of the axis does not fit.
 * @param {Tick[]} ticks
 * @param {number} perUnit px
 * @returns {Tick[]}
 */
function fittingTicks(ticks, perUnit) {
  const [first, second, ...rest] = ticks;
  if (!second || (second[0] - first[0]) * perUnit >= TICK_ROOM) return ticks;
  return [[first[0], String(first[1]).replace('S = ', ''), 'middle'], second, ...rest];
}

/**
 * Label each line at its right end, without overlaps.
 * @param {NamedLine[]} lines
 * @param {number} x of the labels
 * @param {number} apart minimum distance of two labels
 * @returns {number} the y of the highest label
 */
function labelLines(lines, x, apart) {
  let level = -Infinity;
  /** @param {NamedLine} line */
  const endOf = ({ points }) => points[points.length - 1][1];
  for (const line of [...lines].sort((a, b) => endOf(a) - endOf(b))) {
    level = Math.max(level + apart, endOf(line));
    line.label = { at: [x, level], dy: 4, text: line.text };
  }
  return level;
}

/**
 * @param {Cells} cells
 * @param {object} options
 * @param {(cell: Cell) => number} options.x
 * @param {Tick[]} options.ticks
 * @param {{ width: number, height: number }} options.size
 * @param {{ distance: number, text: string }} [options.floor] a reference level below all lines
 * @returns {import('../../web/chart.js').ChartOptions | null} null if there is nothing to draw
 */
export function curvesChart(cells, { x, ticks, size, floor }) {
  const all = Object.values(cells).flat();
  if (!all.length) return null;
  const distances = all.map(({ distance }) => distance);
  const places = all.map((cell) => Math.log(x(cell)));
  const low = Math.log(0.8 * Math.min(...distances, floor?.distance ?? Infinity));
  const high = Math.log(1.2 * Math.max(...distances));
  const first = Math.min(...places);
  const last = Math.max(...places);
  const room = (last - first) * LABEL_ROOM || 1;
  /** @type {NamedLine[]} */
  const lines = ETAS.filter((eta) => cells[eta]).map((eta) => ({
    points: cells[eta].map((cell) => [Math.log(x(cell)), Math.log(cell.distance)]),
    text: PLAIN_NAMES[eta],
    ...STYLES[eta],
  }));
  const dots = lines.flatMap(({ points }) => points);
  if (floor) {
    const y = Math.log(floor.distance);
    /** @type {import('../../web/chart.js').Point[]} */
    const points = [first, last].map((place) => [place, y]);
    lines.push({ points, colour: 'var(--x0)', width: 1.5, dash: '2 3', text: floor.text });
  }
  const highest = labelLines(lines, last + 0.1 * room, ((high - low) / size.height) * LABEL_HEIGHT);
  return {
    ...size,
    xRange: [first, last + room],
    yRange: [low, Math.max(high, highest)],
    yTicks: TICKS.map(Math.log).filter((v) => v >= low && v <= high),
    yLabel: (v) => digits(Math.exp(v)),
    xTicks: fittingTicks(ticks, size.width / (last + room - first)),
    lines,
    dots,
  };
}
