// The charts of the Forward tab.
import { fixed, powerOfTen } from '../../web/numbers.js';
import { chart } from '../../web/plot.js';
import { bell, marginalLine, peakOf } from './gaussians.js';

/** @typedef {import('../../web/chart.js').Line} Line */
/** @typedef {import('../../web/chart.js').Point} Point */
/** @typedef {import('./gaussians.js').Gaussian} Gaussian */
/** @typedef {[row: number, column: number, value: number]} Pixel with its value in x_0 */
/** @typedef {{ t: number[], paths: number[][][] }} Process `paths` by pixel, path and time */

/** Colours of the first, second and third pixel. */
export const PIXEL_COLOURS = ['--ink', '--x0', '--direction'];
/** @type {[number, number]} */
const BELL_RANGE = [-2.6, 2.6];
const BELL_ROOM = 3.2; // height of the chart relative to the peak for η = 1
const VALUES = { range: /** @type {[number, number]} */ ([-3.1, 3.1]), ticks: [-2, 0, 2] };

/** Ticks from t = 0 on the left. @param {number} T @returns {[number, string | number, string][]} */
const timeTicks = (T) => [
  [0, 't = 0', 'start'],
  [T / 2, T / 2, 'middle'],
  [T, T, 'end'],
];

/**
 * A chart of the posteriors of one pixel.
 * @param {number} width
 * @param {{ one: Gaussian, half: Gaussian, yours: Gaussian }} posteriors of η = 1, of 0.5, and of the user's
 */
export function bellChart(width, { one, half, yours }) {
  const top = one.sigma > 0 ? BELL_ROOM * peakOf(one.sigma) : 1;
  return chart({
    width,
    height: 150,
    xRange: BELL_RANGE,
    yRange: [0, top],
    yTicks: [],
    xTicks: VALUES.ticks.map((v) => [v, fixed(v, 0), 'middle']),
    lines: [
      { points: bell(one, top, BELL_RANGE), colour: 'var(--ref)', width: 1.5 },
      { points: bell(half, top, BELL_RANGE), colour: 'var(--ref)', width: 1.5, dash: '3 3' },
      { points: bell(yours, top, BELL_RANGE), colour: 'var(--noise)' },
    ],
  });
}

/**
 * A chart of the pixels' paths under one process, with the bands of their marginals.
 * @param {number} width
 * @param {Process} process
 * @param {Pixel[]} pixels
 * @param {Float32Array} alphaBar
 */
export function pathsChart(width, process, pixels, alphaBar) {
  const T = alphaBar.length - 1;
  /** @type {Line[]} */
  const lines = pixels.flatMap(([, , x0], i) => {
    const edge = { colour: `var(${PIXEL_COLOURS[i]})`, width: 0.75, dash: '2 3' };
    return [
      { points: marginalLine(alphaBar, x0, 2), ...edge },
      { points: marginalLine(alphaBar, x0, -2), ...edge },
      { points: marginalLine(alphaBar, x0, 0), colour: 'var(--ref)', width: 1.5 },
    ];
  });
  process.paths.forEach((paths, i) => {
    paths.forEach((path, k) => {
      /** @type {Point[]} */
      const points = path.map((v, j) => [process.t[j], v]);
      lines.push({ points, colour: `var(${PIXEL_COLOURS[i]})`, width: k ? 1 : 1.5 });
    });
  });
  return chart({
    width,
    height: 216,
    xRange: [0, T],
    yRange: VALUES.range,
    yTicks: VALUES.ticks,
    yLabel: (v) => fixed(v, 0),
    xTicks: timeTicks(T),
    lines,
  });
}

/**
 * A chart of the loss over t, with a logarithmic scale.
 * @param {number} width
 * @param {Point[]} curve
 * @param {number} T
 */
export function lossChart(width, curve, T) {
  /** @type {Point[]} */
  const points = curve.map(([t, loss]) => [t, Math.log10(loss)]);
  const low = Math.floor(Math.min(...points.map(([, v]) => v)));
  return chart({
    width,
    height: 190,
    xRange: [0, T],
    yRange: [low, 0],
    yTicks: Array.from({ length: 1 - low }, (_, k) => low + k),
    yLabel: powerOfTen,
    xTicks: timeTicks(T),
    lines: [{ points, colour: 'var(--ink)' }],
  });
}
